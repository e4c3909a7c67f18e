"""Opening rasters, and what a window of one is once it is read."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from sam_backend.errors import RasterError

CACHE_BYTES = 256 * 2**20
"""What GDAL may keep of blocks it has decoded. Its own default grows with the machine."""

_N_SHOWN = 10
"""Of a container's rasters, in an error."""

_WARNING_FILTERS = threading.Lock()  # the filters of warnings belong to the whole process


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
        RasterError: the file is missing or no raster, or one of several, has control points in place of a transform, or
            a read inside the ``with`` fails.
    """
    with reading_of(path), open_dataset(path) as raster:
        _check_has_bands(path, raster)
        _check_has_no_points_alone(path, raster)
        yield raster


@contextlib.contextmanager
def reading_of(path: Path) -> Iterator[None]:
    """Bound GDAL's cache, and name the file when a read fails.

    Raises:
        RasterError: in place of any error of rasterio's inside the ``with``.
    """
    try:
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
            yield
    except RasterioError as error:
        raise RasterError(
            f"{path.name} can't be read as a raster ({error}): give a GeoTIFF or another GDAL format"
        ) from None


def open_dataset(path: Path) -> DatasetReader:
    """Open a raster for as long as the caller likes; one without a place on the map, too. Wants `reading_of`."""
    with _WARNING_FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a raster without a place is said elsewhere
        return rasterio.open(path)


def is_georeferenced(path: Path) -> bool:
    """Whether a file is a raster with a coordinate system, and no control points in place of a transform."""
    try:
        with open_raster(path) as raster:
            return raster.crs is not None
    except RasterError:
        return False


def _check_has_bands(path: Path, raster: DatasetReader) -> None:
    """A container such as NetCDF, HDF or SAFE opens as a raster of no band that names those in it."""
    if raster.count > 0:
        return
    inside = [name.replace(str(path), path.name) for name in raster.subdatasets]
    if not inside:
        raise RasterError(f"{path.name} has no band: give a raster that has some")
    more = ["..."] if len(inside) > _N_SHOWN else []
    raise RasterError(
        f"{path.name} holds {len(inside)} rasters: write one to a file (gdal_translate SUBDATASET OUT.tif) and give "
        f"that. They are {', '.join(inside[:_N_SHOWN] + more)}"
    )


def _check_has_no_points_alone(path: Path, raster: DatasetReader) -> None:
    """GDAL tells the control points' CRS as the raster's own, over a transform that is none."""
    if raster.transform.is_identity and raster.gcps[0]:
        raise RasterError(
            f"{path.name} has ground control points and no transform: warp it first (gdalwarp {path.name} OUT.tif)"
        )
