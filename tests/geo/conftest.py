"""Rasters of every kind, made when a test asks for one."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from raster_factory import UTM_TRANSFORM, MakeRaster
from rasterio.errors import NotGeoreferencedWarning


@pytest.fixture
def make_raster(tmp_path: Path) -> MakeRaster:
    def make(
        bands: np.ndarray,
        crs: str | None = "EPSG:32636",
        transform: Affine = UTM_TRANSFORM,
        name: str = "raster.tif",
        **profile: object,
    ) -> Path:
        path = tmp_path / name
        count, height, width = bands.shape
        options = {"driver": "GTiff", "height": height, "width": width, "count": count, "dtype": bands.dtype}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # some are to lie nowhere
            with rasterio.open(path, "w", crs=crs, transform=transform, **options, **profile) as raster:
                raster.write(bands)
        return path

    return make


@pytest.fixture
def rgb_bands() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 60, 90), np.uint8)
