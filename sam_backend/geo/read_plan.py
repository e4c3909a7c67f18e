"""How a run reads its raster: decided once, kept in its journal, the same for every window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import RasterError
from sam_backend.geo.bands import choose_bands
from sam_backend.geo.collar import Collar
from sam_backend.geo.collar_flood import find_collar
from sam_backend.geo.raster import open_raster
from sam_backend.geo.source import NOTHING, Source
from sam_backend.geo.stretch import STRETCH_PERCENT, Stretch, measure_stretch, spread_rects
from sam_backend.geo.tiles import PixelRect

GROUND_SIZE_FACTORS = (0.25, 4.0)
SAMPLE_PX = 2048 * 2048
"""About as many valid pixels tell the stretch."""

SAMPLE_BLOCKS = 1024
"""From so many blocks at most, spread over the raster, unless they hold next to no data."""

SAMPLE_MIN_PX = 10_000


@dataclass(frozen=True, slots=True)
class NodataRule:
    """Where the raster has no data, besides blocks that were never written and values that aren't finite."""

    declared: str
    """By the raster's own word: ``alpha``, ``mask``, ``nodata`` or ``nothing``."""

    collars: tuple[Collar, ...] = ()
    """By inference, where it declares nothing."""

    def has_data(self, rect: PixelRect, source: Source, values: NDArray[Any] | None = None) -> NDArray[np.bool_]:
        """(h, w): True where there is data."""
        valid = source.has_data(rect, values)
        for collar in self.collars:
            valid &= ~collar.covers(rect, source)
        return valid

    def is_empty(self, rect: PixelRect, source: Source) -> bool:
        """Whether that can be told without a pixel: no block was written, or all is collar."""
        return source.blocks.is_missing(rect) or any(collar.covers_all(rect) for collar in self.collars)


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """Everything that turns a rectangle of the raster into 8-bit RGB."""

    source_width_px: int
    source_height_px: int

    bands: tuple[int, ...]
    """One (grey, or a place in a colour table) or three, from 1."""

    stretch: Stretch | None
    """None: the raster has 8 bits and stays as it is."""

    ground_size_factor: float
    """Run px for each source px: 2 shows objects at twice their size, 0.5 at half."""

    nodata: NodataRule

    def at_ground_size(self, factor: float) -> ReadPlan:
        """The same reading with objects at another size; nothing is looked at again.

        Raises:
            RasterError: the factor isn't one of `GROUND_SIZE_FACTORS`' range.
        """
        _check_ground_size(factor)
        return replace(self, ground_size_factor=factor)

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers, for the journal."""
        return {
            "source_width_px": self.source_width_px,
            "source_height_px": self.source_height_px,
            "bands": list(self.bands),
            "stretch": None if self.stretch is None else self.stretch.to_json(),
            "ground_size_factor": self.ground_size_factor,
            "nodata": {
                "declared": self.nodata.declared,
                "collars": [collar.to_json() for collar in self.nodata.collars],
            },
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> ReadPlan:
        """What `to_json` gave."""
        nodata = record["nodata"]
        return cls(
            source_width_px=record["source_width_px"],
            source_height_px=record["source_height_px"],
            bands=tuple(record["bands"]),
            stretch=None if record["stretch"] is None else Stretch.from_json(record["stretch"]),
            ground_size_factor=record["ground_size_factor"],
            nodata=NodataRule(nodata["declared"], tuple(Collar.from_json(collar) for collar in nodata["collars"])),
        )

    @property
    def run_wh(self) -> tuple[int, int]:
        """Width and height of the raster in run px."""
        sides = (self.source_width_px, self.source_height_px)
        width, height = (max(1, round(side * self.ground_size_factor)) for side in sides)
        return width, height


def plan_reading(
    path: Path,
    bands: Sequence[int] | None = None,
    stretch_percent: tuple[float, float] = STRETCH_PERCENT,
    ground_size_factor: float = 1.0,
    infer_collar: bool = True,
) -> ReadPlan:
    """Look at a raster once and decide how to read it.

    Full-resolution blocks spread over the raster are read, never a decimated whole: without overviews that would
    decode every block, and with them it would see values that no window has.

    Args:
        path: any raster of GDAL's.
        bands: one to three of the user's choice; else see `choose_bands`.
        stretch_percent: what becomes black and white of bands that don't have 8 bits.
        ground_size_factor: 0.25 to 4 run px for each source px.
        infer_collar: of a raster that declares no nodata, take black that reaches in from its border for nodata, and
            white in three bands of 8 bits.

    Raises:
        RasterError: the raster can't be read or has no data at all, or an argument makes no sense.
    """
    _check_ground_size(ground_size_factor)
    with open_raster(path) as raster:
        source = Source(raster, choose_bands(raster, bands))
        nodata = NodataRule(source.declared_nodata, _collars(source) if infer_collar else ())
        has_8_bits = all(raster.dtypes[band - 1] == "uint8" for band in source.bands) or source.palette is not None
        sample = _sample(source, nodata, n_enough=1 if has_8_bits else SAMPLE_PX)
        return ReadPlan(
            source_width_px=raster.width,
            source_height_px=raster.height,
            bands=source.bands,
            stretch=None if has_8_bits else measure_stretch(sample, stretch_percent),
            ground_size_factor=ground_size_factor,
            nodata=nodata,
        )


def _check_ground_size(factor: float) -> None:
    smallest, largest = GROUND_SIZE_FACTORS
    if not smallest <= factor <= largest:
        raise RasterError(f"the ground-size factor {factor:g} isn't from {smallest:g} to {largest:g}")


def _collars(source: Source) -> tuple[Collar, ...]:
    if source.declared_nodata != NOTHING or source.palette is not None:
        return ()
    types = {source.raster.dtypes[band - 1] for band in source.collar_bands}
    may_be_white = types == {"uint8"} and len(source.collar_bands) >= 3
    found = (find_collar(source, value) for value in ((0, 255) if may_be_white else (0,)))
    return tuple(collar for collar in found if collar is not None)


def _sample(source: Source, nodata: NodataRule, n_enough: int) -> NDArray[Any]:
    """(bands, n) valid pixels from blocks spread over the raster.

    Raises:
        RasterError: there is none in the whole raster.
    """
    parts: list[NDArray[Any]] = []
    n_found = 0
    for n_read, part in enumerate(_valid_parts(source, nodata), start=1):
        parts.append(part)
        n_found += part.shape[1]
        if n_found >= n_enough or (n_read >= SAMPLE_BLOCKS and n_found >= SAMPLE_MIN_PX):
            break
    if n_found == 0:
        raise RasterError(f"{Path(source.raster.name).name} has no data at all: every pixel is nodata or transparent")
    return np.concatenate(parts, axis=1)


def _valid_parts(source: Source, nodata: NodataRule) -> Iterator[NDArray[Any]]:
    """(bands, n) of each block, thinned evenly so that `SAMPLE_BLOCKS` of them make `SAMPLE_PX`."""
    raster = source.raster
    for rect in spread_rects((raster.width, raster.height), raster.block_shapes[0]):
        if nodata.is_empty(rect, source):
            continue
        values = source.values(rect)
        valid = values[:, nodata.has_data(rect, source, values)]
        n_blocks = min(SAMPLE_BLOCKS, raster.width * raster.height / (rect.width_px * rect.height_px))
        thin = max(1, int(rect.width_px * rect.height_px * n_blocks / SAMPLE_PX))
        yield valid[:, ::thin]
