"""Rasters of bright discs whose places are known, and a stand-in for the model that finds them without any error.

So a run over them must give exactly as many objects, and its costs are those of everything but the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy import ndimage

from sam_backend.geo.raster import RasterWindow
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.tiles import PlacedMask, Tile

SCENE_PX = 1024
"""Side of a scene."""

PITCH_PX = 128
"""A disc on every square of this side: 64 in a scene, none over its edge."""

CRS, TRANSFORM = "EPSG:32636", Affine(0.5, 0, 300_000, 0, -0.5, 5_000_000)
BRIGHT = 160


def disc_centres_xy(seed: int = 0) -> NDArray[np.float64]:
    """(64, 2), in pixels of the scene."""
    corners = np.arange(0, SCENE_PX, PITCH_PX) + PITCH_PX / 2
    centres_xy = np.stack(np.meshgrid(corners, corners), axis=-1).reshape(-1, 2)
    return centres_xy + np.random.default_rng(seed).uniform(-16, 16, centres_xy.shape)


def scene(seed: int = 0) -> NDArray[np.uint8]:
    """Bands (3, side, side): discs of 8 to 40 px radius on noise that is darker."""
    random = np.random.default_rng(seed + 1)
    pixels = random.integers(40, 90, (SCENE_PX, SCENE_PX), np.uint8)
    y, x = np.mgrid[:PITCH_PX, :PITCH_PX] + 0.5
    for centre_x, centre_y in disc_centres_xy(seed):
        left, top = (int(low // PITCH_PX * PITCH_PX) for low in (centre_x, centre_y))
        is_disc = np.hypot(x + left - centre_x, y + top - centre_y) < random.uniform(8, 40)
        pixels[top : top + PITCH_PX, left : left + PITCH_PX][is_disc] = random.integers(200, 256)
    return np.stack([pixels, pixels // 2 + 20, pixels]).astype(np.uint8)


def write_scenes(path: Path, side_px: int, corners_xy: Sequence[tuple[int, int]]) -> None:
    """Write a GeoTIFF that holds copies of the scene and, beside them, blocks that were never written.

    Args:
        path: of the file.
        side_px: of the raster, a square.
        corners_xy: the upper left corners of the copies, in raster px.
    """
    bands = scene()
    options = {"driver": "GTiff", "width": side_px, "height": side_px, "count": 3, "dtype": "uint8", "nodata": 0}
    blocks = {"tiled": True, "blockxsize": 512, "blockysize": 512, "SPARSE_OK": True, "BIGTIFF": "YES"}
    with rasterio.open(path, "w", crs=CRS, transform=TRANSFORM, **options, **blocks) as raster:
        for x, y in corners_xy:
            raster.write(bands, window=Window(x, y, SCENE_PX, SCENE_PX))


def known_places_xy(corners_xy: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """(n, 2): the centres of all discs in map coordinates."""
    x, y = np.concatenate([disc_centres_xy() + corner_xy for corner_xy in corners_xy]).T
    return np.stack(TRANSFORM @ (x, y), axis=-1)


class BrightDiscs:
    """Every connected bright region is an object."""

    def segment(self, tile: Tile, window: RasterWindow) -> list[Finding]:
        """See `TileSegmenter`."""
        labels, _ = ndimage.label((window.pixels[..., 0] > BRIGHT) & window.is_valid)
        return [
            Finding(
                PlacedMask(
                    tile.rect.left_px + columns.start, tile.rect.top_px + rows.start, labels[rows, columns] == label
                ),
                predicted_iou=0.9,
                stability=1.0,
            )
            for label, (rows, columns) in enumerate(ndimage.find_objects(labels), 1)
        ]
