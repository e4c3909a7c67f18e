"""A raster with one object, made by GDAL."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

ORIGIN_XY = (500_000.0, 5_500_000.0)
PIXEL_M = 0.5
WIDTH_PX, HEIGHT_PX = 640, 480
CENTRE_PX = (330.0, 230.0)
RADII_PX = (62.0, 38.0)


def scene_pixels() -> np.ndarray:
    """(3, h, w), uint8: one light, tilted ellipse on mottled green."""
    noise = np.random.default_rng(7)
    rows, columns = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    coarse = np.kron(noise.normal(0, 9, (HEIGHT_PX // 8, WIDTH_PX // 8)), np.ones((8, 8)))
    ground = np.stack([70 + coarse, 105 + coarse, 62 + coarse])
    inside = is_object(columns + 0.5, rows + 0.5)
    roof = np.array([205, 150, 120])[:, None, None] + np.zeros_like(ground)
    pixels = np.where(inside, roof, ground) + noise.normal(0, 4, ground.shape)
    return pixels.clip(0, 255).astype(np.uint8)


def is_object(x_px: np.ndarray, y_px: np.ndarray) -> np.ndarray:
    """Whether a place lies in the ellipse."""
    x, y = x_px - CENTRE_PX[0], y_px - CENTRE_PX[1]
    turn = math.radians(25)
    along, across = x * math.cos(turn) + y * math.sin(turn), -x * math.sin(turn) + y * math.cos(turn)
    return (along / RADII_PX[0]) ** 2 + (across / RADII_PX[1]) ** 2 <= 1


def true_ring_xy() -> list[tuple[float, float]]:
    """The ellipse in map coordinates."""
    turn = math.radians(25)
    ring = []
    for step in range(180):
        angle = 2 * math.pi * step / 180
        along, across = RADII_PX[0] * math.cos(angle), RADII_PX[1] * math.sin(angle)
        x = along * math.cos(turn) - across * math.sin(turn)
        y = along * math.sin(turn) + across * math.cos(turn)
        ring.append(px_to_map(CENTRE_PX[0] + x, CENTRE_PX[1] + y))
    return [*ring, ring[0]]


def px_to_map(x_px: float, y_px: float) -> tuple[float, float]:
    """Of the upright raster."""
    return ORIGIN_XY[0] + x_px * PIXEL_M, ORIGIN_XY[1] - y_px * PIXEL_M


def write_raster(path: Path | str, pixels: np.ndarray, transform: tuple[float, ...] | None = None) -> str:
    """A GeoTIFF in EPSG:25832; (bands, h, w) of uint8."""
    bands, height, width = pixels.shape
    written = gdal.GetDriverByName("GTiff").Create(str(path), width, height, bands, gdal.GDT_Byte)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(25832)
    written.SetProjection(reference.ExportToWkt())
    written.SetGeoTransform(transform or (ORIGIN_XY[0], PIXEL_M, 0, ORIGIN_XY[1], 0, -PIXEL_M))
    for band, plane in enumerate(pixels, start=1):
        written.GetRasterBand(band).WriteRaster(0, 0, width, height, np.ascontiguousarray(plane).tobytes())
    written = None
    return str(path)
