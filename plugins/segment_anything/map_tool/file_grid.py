"""The pixels of a raster file, and where they lie on the map."""

from __future__ import annotations

import os
from dataclasses import dataclass

from osgeo import gdal
from qgis.core import QgsRasterLayer

from .prompts import XYXY

Transform = tuple[float, float, float, float, float, float]
"""GDAL's order: x = t0 + t1 * column + t2 * row, y = t3 + t4 * column + t5 * row."""

_NORTH_UP_PIXELS: Transform = (0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class FileGrid:
    """A raster file that the engine can open by itself."""

    path: str
    width_px: int
    height_px: int
    map_to_px: Transform

    def to_px_xyxy(self, map_xyxy: XYXY) -> XYXY:
        """What holds all of a rectangle on the map, in pixels of the file; also outside it."""
        t = self.map_to_px
        left, low, right, high = map_xyxy
        map_xy = ((left, low), (left, high), (right, low), (right, high))
        columns = [t[0] + t[1] * x + t[2] * y for x, y in map_xy]
        rows = [t[3] + t[4] * x + t[5] * y for x, y in map_xy]
        return (min(columns), min(rows), max(columns), max(rows))


def file_grid(layer: QgsRasterLayer) -> FileGrid | None:
    """The grid of a layer's file; None where the layer is no plain file, so that it must be rendered instead.

    QGIS's own size and extent don't do: it shows a rotated raster as an upright one that has other pixels.
    """
    if layer.providerType() != "gdal" or not os.path.isfile(layer.source()):
        return None
    opened = gdal.Open(layer.source())
    if opened is None or opened.GetGCPCount() > 0 or opened.RasterXSize * opened.RasterYSize == 0:
        return None
    transform = opened.GetGeoTransform(can_return_null=True)
    inverse = gdal.InvGeoTransform(transform) if transform else None
    if inverse is None or transform == _NORTH_UP_PIXELS:
        return None
    return FileGrid(os.path.abspath(layer.source()), opened.RasterXSize, opened.RasterYSize, tuple(inverse))
