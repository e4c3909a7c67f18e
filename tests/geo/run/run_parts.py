"""A small run whose model is a threshold: bright pixels are objects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from scipy import ndimage

from sam_backend.geo.raster import RasterWindow
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.run.run_place import RunPlace
from sam_backend.geo.run.run_settings import RunSettings
from sam_backend.geo.run.tile_segmenter import place_mask
from sam_backend.geo.tiles import Tile, TileGrid

GRID = TileGrid(150, 100, tile_px=64, overlap_px=16)
PLACE = RunPlace(GRID, Affine(0.5, 0, 300_000, 0, -0.5, 5_000_000), CRS.from_epsg(32636))
SETTINGS = RunSettings(
    raster="/data/raster.tif",
    raster_state="1 bytes, 2",
    model_version="threshold",
    read_plan={"bands": [1, 2, 3]},
    tile_px=64,
    overlap_px=16,
    automatic={"points_per_side": 4},
)


def tile_of(index: int) -> Tile:
    """A tile of that index; of any other, with the place of the first."""
    return replace(GRID.tile(0), index=index)


def spotted_picture(seed: int = 0) -> np.ndarray:
    """Bright squares on black, (100, 150, 3)."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((GRID.raster_height_px, GRID.raster_width_px, 3), np.uint8)
    for top, left in zip(range(4, 90, 20), range(5, 140, 27), strict=False):
        picture[top : top + 9, left : left + rng.integers(5, 20)] = 255
    return picture


def window_of(picture: np.ndarray, tile: Tile) -> RasterWindow:
    rect = tile.rect
    pixels = picture[rect.top_px : rect.bottom_px, rect.left_px : rect.right_px]
    return RasterWindow(pixels, np.ones(pixels.shape[:2], bool), PLACE.transform, PLACE.crs)


class BrightSpots:
    """Connected bright pixels."""

    def segment(self, tile: Tile, window: RasterWindow) -> list[Finding]:
        labels, n_labels = ndimage.label(window.pixels[..., 0] > 127)
        placed = [place_mask(labels == label, tile, window) for label in range(1, n_labels + 1)]
        return [Finding(one, predicted_iou=0.9, stability=1.0) for one in placed if one is not None]
