"""The model's part of a run: the pixels of a tile in, findings out."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sam_backend.geo.raster import RasterWindow
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.tiles import PlacedMask, Tile
from sam_backend.predict.automatic.generator import PointModel, generate
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.automatic.records import MaskRecord

LEAST_VALID_SHARE = 0.5
"""A mask that lies mostly where the raster has no data is none."""

_LOG = logging.getLogger(__name__)


class TileSegmenter(Protocol):
    """Finds the objects of a tile."""

    def segment(self, tile: Tile, window: RasterWindow) -> list[Finding]:
        """All objects, in an order that depends on the tile alone.

        Args:
            tile: whose rectangle the window shows.
            window: pixels and validity, of the tile's size.
        """
        ...


@dataclass(slots=True)
class AutomaticSegmenter:
    """Everything, by a grid of points."""

    model: PointModel
    options: AutomaticOptions
    side_px: int
    """Of the square that the model is shown: smaller tiles are filled up, so that all are seen at one scale."""

    def segment(self, tile: Tile, window: RasterWindow) -> list[Finding]:
        """See `TileSegmenter`."""
        records = self._generate(filled_up(window.pixels, self.side_px))
        found = (
            (record, place_mask(record.runs.to_mask()[: tile.rect.height_px, : tile.rect.width_px], tile, window))
            for record in records
        )
        return [
            Finding(placed=placed, predicted_iou=record.predicted_iou, stability=record.stability_score)
            for record, placed in found
            if placed is not None
        ]

    def _generate(self, pixels: NDArray[np.uint8]) -> list[MaskRecord]:
        """With fewer points at a time once the device's memory was too small."""
        while True:
            try:
                return generate(self.model, pixels, self.options)
            except torch.OutOfMemoryError:
                if self.options.points_per_batch == 1:
                    raise
                fewer = self.options.points_per_batch // 2
                _LOG.warning("out of memory: going on with %d points at a time", fewer)
                self.options = replace(self.options, points_per_batch=fewer)


def filled_up(pixels: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """A square of ``side_px`` with the pixels (h, w, 3) in its upper left and their mean elsewhere."""
    height, width = pixels.shape[:2]
    if height >= side_px and width >= side_px:
        return pixels
    square = np.empty((max(height, side_px), max(width, side_px), 3), np.uint8)
    square[:] = pixels.mean(axis=(0, 1)).astype(np.uint8)
    square[:height, :width] = pixels
    return square


def place_mask(mask: NDArray[np.bool_], tile: Tile, window: RasterWindow) -> PlacedMask | None:
    """Put a tile's mask (h, w) into the raster, cropped to its object with data; None where most of it has none."""
    with_data = mask & window.is_valid
    n_valid = int(with_data.sum())
    if n_valid == 0 or n_valid < LEAST_VALID_SHARE * mask.sum():
        return None
    rows, columns = np.flatnonzero(with_data.any(axis=1)), np.flatnonzero(with_data.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    cropped = with_data[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    # A copy, even of a single row: a view would keep the whole tile.
    return PlacedMask(tile.rect.left_px + left, tile.rect.top_px + top, cropped.copy())
