"""Reading a window of a raster of any depth and any number of bands as a picture in its place on the map."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from sam_backend.errors import RasterError
from sam_backend.predict.picture import stretch_to_uint8

RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
STRETCH_PERCENT = (2.0, 98.0)
STRETCH_SAMPLE_PX = 2048
"""The stretch is measured on a read of at most this side, so a huge raster costs no more than a small one."""


@dataclass(frozen=True, slots=True, eq=False)
class RasterWindow:
    """A rectangle of a raster, ready for the model, that knows where it is."""

    pixels: NDArray[np.uint8]
    """(h, w, 3) RGB. Without data: the mean of the rest."""

    is_valid: NDArray[np.bool_]
    """(h, w). False where the raster has no data."""

    transform: Affine
    """From the window's pixels to map coordinates."""

    crs: CRS | None


@contextlib.contextmanager
def open_raster(path: Path) -> Iterator[DatasetReader]:
    """Open a raster for reading.

    Raises:
        RasterError: the file is missing or no raster, or a read inside the ``with`` fails.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a raster without a place is said elsewhere
            with rasterio.open(path) as raster:
                yield raster
    except RasterioError as error:
        raise RasterError(
            f"{path.name} can't be read as a raster ({error}): give a GeoTIFF or another GDAL format"
        ) from None


def is_georeferenced(path: Path) -> bool:
    """Whether a file is a raster with a coordinate system."""
    try:
        with open_raster(path) as raster:
            return raster.crs is not None
    except RasterError:
        return False


def read_raster(path: Path) -> RasterWindow:
    """Read a whole raster; see `read_window`.

    Raises:
        RasterError: the file can't be read.
    """
    with open_raster(path) as raster:
        return read_window(raster, Window(0, 0, raster.width, raster.height))


def read_window(raster: DatasetReader, window: Window) -> RasterWindow:
    """Read a window as 8-bit RGB.

    8-bit bands stay as they are; others are stretched from their 2nd to their 98th percentile over the whole raster,
    so neighbouring windows match. The bands tagged red, green and blue are taken, else the first three; one or two
    become grey.

    Raises:
        RasterError: the window holds no data.
    """
    bands = _colour_bands(raster)
    values = raster.read(bands, window=window)
    is_valid = raster.dataset_mask(window=window) > 0
    if not is_valid.any():
        raise RasterError(f"{Path(raster.name).name} has no data in this window: choose a place with data")
    pixels = values if values.dtype == np.uint8 else _stretch(values, _percentiles(raster, bands))
    rgb = pixels if len(bands) == 3 else np.repeat(pixels[:1], 3, axis=0)
    return RasterWindow(
        pixels=_fill(rgb.transpose(1, 2, 0), is_valid),
        is_valid=is_valid,
        transform=raster.window_transform(window),
        crs=raster.crs,
    )


def _colour_bands(raster: DatasetReader) -> list[int]:
    by_colour = {colour: band for band, colour in zip(raster.indexes, raster.colorinterp, strict=True)}
    if all(colour in by_colour for colour in RGB):
        return [by_colour[colour] for colour in RGB]
    without_alpha = [band for band in raster.indexes if band != by_colour.get(ColorInterp.alpha)]
    return without_alpha[:3] if len(without_alpha) >= 3 else without_alpha[:1]


def _percentiles(raster: DatasetReader, bands: list[int]) -> NDArray[np.float64]:
    """(bands, 2): low and high of each band, over valid pixels of a decimated read of the whole raster."""
    shrink = max(1.0, max(raster.height, raster.width) / STRETCH_SAMPLE_PX)
    out_hw = (max(1, round(raster.height / shrink)), max(1, round(raster.width / shrink)))
    sample = raster.read(bands, out_shape=(len(bands), *out_hw), resampling=Resampling.nearest)
    is_valid = raster.dataset_mask(out_shape=out_hw) > 0
    values = [band[is_valid & np.isfinite(band)] for band in sample]
    return np.array([np.percentile(band, STRETCH_PERCENT) if band.size else (0.0, 1.0) for band in values])


def _stretch(values: NDArray[np.generic], percentiles: NDArray[np.float64]) -> NDArray[np.uint8]:
    bands = values.astype(np.float64)
    return np.stack([stretch_to_uint8(band, low, high) for band, (low, high) in zip(bands, percentiles, strict=True)])


def _fill(rgb: NDArray[np.uint8], is_valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    if is_valid.all():
        return np.ascontiguousarray(rgb)
    mean = rgb[is_valid].mean(axis=0).astype(np.uint8)
    return np.where(is_valid[..., None], rgb, mean)
