"""Small rasters for tests, written by QGIS's own GDAL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from osgeo import gdal, osr

ORIGIN_XY = (500_000.0, 5_500_000.0)
PIXEL_M = 0.5
SQUARES_PX = [(40, 50, 80), (150, 220, 90), (30, 280, 60), (200, 60, 60)]
"""Top, left and side."""

COLOURS = [(220, 60, 50), (60, 200, 80), (70, 80, 230), (240, 230, 90)]


def write_squares(path: Path, epsg: int | None = 25832, extra_band: bool = False) -> Path:
    """Four squares on grey."""
    pixels = np.full((3, 300, 400), 90, np.uint8)
    pixels += np.random.default_rng(3).integers(0, 8, pixels.shape).astype(np.uint8)
    for (top, left, side), colour in zip(SQUARES_PX, COLOURS, strict=True):
        pixels[:, top : top + side, left : left + side] = np.array(colour)[:, None, None]
    bands = [*pixels, pixels[0]] if extra_band else list(pixels)
    file = gdal.GetDriverByName("GTiff").Create(str(path), 400, 300, len(bands), gdal.GDT_Byte)
    file.SetGeoTransform((ORIGIN_XY[0], PIXEL_M, 0, ORIGIN_XY[1], 0, -PIXEL_M))
    if epsg is not None:
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(epsg)
        file.SetProjection(reference.ExportToWkt())
    for index, band in enumerate(bands, 1):
        file.GetRasterBand(index).WriteRaster(0, 0, 400, 300, np.ascontiguousarray(band).tobytes())
    return path
