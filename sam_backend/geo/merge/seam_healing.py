"""A second look at objects that no tile saw whole: one more tile, centred on each, prompted with what is known.

This module says where to look, with which prompts, and whether to believe the answer; running the model is its
caller's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.geo.merge.cells import Cells
from sam_backend.geo.merge.fragment import MergedObject
from sam_backend.geo.merge.placed import innermost_xy, mask_iou, rect_of, window
from sam_backend.geo.tiles import PixelRect, PlacedMask, TileGrid
from sam_backend.types import Prompts

MARGIN_PX = 32
"""An object fits a tile that shows at least this much around it, except beyond the raster's edge."""

ACCEPT_IOU = 0.7
"""The answer is taken from this IoU with what the pieces made together."""


@dataclass(frozen=True, slots=True, eq=False)
class HealingTask:
    """One object to look at again."""

    merged: MergedObject

    rect: PixelRect
    """The tile to read, in run px, centred on the object as far as the raster goes."""

    box_xyxy: NDArray[np.float32]
    """(4,): around the object, in run px of the whole raster, half-open."""

    points_xy: NDArray[np.float32]
    """(n, 2): the innermost point of each piece, in run px of the whole raster; all of them on the object."""

    def prompts(self) -> Prompts:
        """Box and points in pixels of the tile to read."""
        origin_xy = np.array([self.rect.left_px, self.rect.top_px], np.float32)
        return Prompts(
            points_xy=self.points_xy - origin_xy,
            is_foreground=np.ones(len(self.points_xy), np.bool_),
            box_xyxy=self.box_xyxy - np.tile(origin_xy, 2),
        )


def healing_tasks(objects: Iterable[MergedObject], grid: TileGrid) -> Iterator[HealingTask]:
    """The objects that no tile saw whole though they fit one, in the given order.

    Larger ones need a coarser look at the raster and are left as they are.
    """
    cells = Cells(grid)
    for merged in objects:
        if merged.is_unresolved_cut:
            around = _grown(rect_of(merged.placed), MARGIN_PX, grid)
            if max(around.width_px, around.height_px) <= grid.tile_px:
                yield _task(merged, _centred(around, grid), cells)


def accept(healed: PlacedMask, union: PlacedMask, min_iou: float = ACCEPT_IOU) -> bool:
    """Whether the mask of the second look is the object that the pieces made together."""
    return mask_iou(healed, union) >= min_iou


def _task(merged: MergedObject, rect: PixelRect, cells: Cells) -> HealingTask:
    own = rect_of(merged.placed)
    box_xyxy = np.array([own.left_px, own.top_px, own.right_px, own.bottom_px], np.float32)
    return HealingTask(merged, rect, box_xyxy, _points_xy(merged, cells))


def _points_xy(merged: MergedObject, cells: Cells) -> NDArray[np.float32]:
    own = rect_of(merged.placed)
    tiles = [cells.grid.tile(index) for index in merged.tile_indices]
    pieces = [cells.cell(tile).intersection(own) for tile in tiles] if len(tiles) > 1 else [own]
    seen = [piece for piece in pieces if not piece.is_empty and window(merged.placed, piece).any()]
    return np.array([innermost_xy(merged.placed, piece) for piece in seen or [own]], np.float32)


def _grown(rect: PixelRect, by_px: int, grid: TileGrid) -> PixelRect:
    whole = PixelRect(0, 0, grid.raster_width_px, grid.raster_height_px)
    return PixelRect(
        rect.left_px - by_px, rect.top_px - by_px, rect.right_px + by_px, rect.bottom_px + by_px
    ).intersection(whole)


def _centred(rect: PixelRect, grid: TileGrid) -> PixelRect:
    left_px, right_px = _centred_span(rect.left_px, rect.right_px, grid.tile_px, grid.raster_width_px)
    top_px, bottom_px = _centred_span(rect.top_px, rect.bottom_px, grid.tile_px, grid.raster_height_px)
    return PixelRect(left_px, top_px, right_px, bottom_px)


def _centred_span(start_px: int, end_px: int, tile_px: int, raster_px: int) -> tuple[int, int]:
    size_px = min(tile_px, raster_px)
    first_px = max(0, min((start_px + end_px - size_px) // 2, raster_px - size_px))
    return first_px, first_px + size_px
