"""Which bands of a raster become red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from sam_backend.errors import RasterError

RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
MAX_BANDS = 3
PALETTE_TYPES = ("uint8", "uint16", "int16")
"""Of pixels that can be places in a colour table: it has an entry for each value."""


def choose_bands(raster: DatasetReader, named: Sequence[int] | None = None) -> tuple[int, ...]:
    """The one or three bands, from 1, to be shown as grey or as red, green and blue.

    Without names: the bands tagged red, green and blue, else the first three. One band is grey; of two the first is red
    and blue, the second green. Alpha is no colour.

    Args:
        raster: an open one.
        named: one to three bands of the user's choice.

    Raises:
        RasterError: a named band isn't there, too many are named, or they hold complex numbers.
    """
    bands = _tagged_or_first(raster) if named is None else _checked(raster, named)
    if any("complex" in raster.dtypes[band - 1] for band in bands):
        raise RasterError(
            f"{Path(raster.name).name} holds complex numbers: write their magnitude to a raster first, "
            "e.g. with GDAL's pixel function 'mod'"
        )
    return (bands[0], bands[1], bands[0]) if len(bands) == 2 else bands


def _tagged_or_first(raster: DatasetReader) -> tuple[int, ...]:
    tags = list(raster.colorinterp)
    if all(colour in tags for colour in RGB):
        return tuple(1 + tags.index(colour) for colour in RGB)
    without_alpha = [band for band, tag in zip(raster.indexes, tags, strict=True) if tag != ColorInterp.alpha]
    return tuple((without_alpha or list(raster.indexes))[:MAX_BANDS])


def _checked(raster: DatasetReader, named: Sequence[int]) -> tuple[int, ...]:
    if not 1 <= len(named) <= MAX_BANDS:
        raise RasterError(f"{len(named)} bands were named: name one (grey), two or three (red, green, blue)")
    missing = [band for band in named if band not in raster.indexes]
    if missing:
        raise RasterError(
            f"{Path(raster.name).name} has no band {missing[0]}: name some of its bands 1 to {raster.count}"
        )
    return tuple(named)


def has_palette(raster: DatasetReader, bands: Sequence[int]) -> bool:
    """Whether the pixels are places in a colour table; those that only claim so, as some VRTs do, are grey."""
    if len(bands) != 1 or raster.colorinterp[bands[0] - 1] != ColorInterp.palette:
        return False
    return raster.dtypes[bands[0] - 1] in PALETTE_TYPES and _has_table(raster, bands[0])


def _has_table(raster: DatasetReader, band: int) -> bool:
    try:
        return bool(raster.colormap(band))
    except ValueError:  # rasterio's word for "none"
        return False
