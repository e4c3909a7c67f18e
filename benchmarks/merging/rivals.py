"""How others merge what tiles saw, written after their descriptions, for comparison only.

All take every fragment of a raster and give masks; none has thresholds of its own beyond those named.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.merging.oracle import boxes_xyxy, cropped, rect_of, shared_slices
from sam_backend.geo.merge import Fragment
from sam_backend.geo.tiles import PlacedMask, TileGrid

Strategy = Callable[[TileGrid, list[Fragment]], list[PlacedMask]]


def dissolve(grid: TileGrid, fragments: list[Fragment]) -> list[PlacedMask]:
    """Whatever touches is one object."""
    is_object = np.zeros((grid.raster_height_px, grid.raster_width_px), np.bool_)
    for placed in _masks(fragments):
        is_object[shared_slices(rect_of(placed), 0, 0)] |= placed.mask
    labels, _ = ndimage.label(is_object, np.ones((3, 3)))
    return _labelled(labels)


def overwrite(grid: TileGrid, fragments: list[Fragment]) -> list[PlacedMask]:
    """Every fragment gets a number and is painted into one raster, tile after tile, larger ones first."""
    labels = np.zeros((grid.raster_height_px, grid.raster_width_px), np.int32)
    in_order = sorted(fragments, key=lambda fragment: (fragment.tile_index, -fragment.placed.mask.sum()))
    for number, placed in enumerate(_masks(in_order), start=1):
        labels[shared_slices(rect_of(placed), 0, 0)][placed.mask] = number
    return _labelled(labels)


def nms_iou(grid: TileGrid, fragments: list[Fragment]) -> list[PlacedMask]:
    """Non-maximum suppression, larger first, by intersection over union from 0.7."""
    return _suppress(_masks(fragments), 0.7, lambda both, larger, smaller: both / (larger + smaller - both))


def nms_ios(grid: TileGrid, fragments: list[Fragment]) -> list[PlacedMask]:
    """Non-maximum suppression, larger first, by intersection over the smaller from 0.5."""
    return _suppress(_masks(fragments), 0.5, lambda both, larger, smaller: both / smaller)


def drop_edge_nms(grid: TileGrid, fragments: list[Fragment]) -> list[PlacedMask]:
    """SAM's own rule for crops: nothing that touches an inner edge of its tile, then suppression by IoU."""
    return nms_iou(grid, [fragment for fragment in fragments if not _is_cut(grid, fragment)])


RIVALS: dict[str, Strategy] = {
    "dissolve": dissolve,
    "NMS IoU .7": nms_iou,
    "NMS IoS .5": nms_ios,
    "drop-edge + NMS": drop_edge_nms,
    "overwrite": overwrite,
}


def _masks(fragments: list[Fragment]) -> list[PlacedMask]:
    return [fragment.placed for fragment in fragments]


def _labelled(labels: NDArray[np.int32]) -> list[PlacedMask]:
    found = []
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        if place is not None:
            rows, columns = place
            found.append(PlacedMask(columns.start, rows.start, labels[place] == number))
    return found


def _suppress(
    masks: list[PlacedMask], threshold: float, similarity: Callable[[int, int, int], float]
) -> list[PlacedMask]:
    by_size = sorted(map(cropped, masks), key=lambda placed: -placed.mask.sum())
    areas_px = [int(placed.mask.sum()) for placed in by_size]
    boxes = boxes_xyxy(by_size)
    is_kept = np.ones(len(by_size), np.bool_)
    for index, placed in enumerate(by_size):
        low_xy, high_xy = np.maximum(boxes[:, :2], boxes[index, :2]), np.minimum(boxes[:, 2:], boxes[index, 2:])
        near = np.flatnonzero((low_xy < high_xy).all(axis=1) & is_kept)
        is_kept[index] = all(
            similarity(_both_px(placed, by_size[other]), areas_px[other], areas_px[index]) < threshold
            for other in near[near < index]
        )
    return [placed for placed, kept in zip(by_size, is_kept, strict=True) if kept]


def _both_px(one: PlacedMask, other: PlacedMask) -> int:
    shared = rect_of(one).intersection(rect_of(other))
    if shared.is_empty:
        return 0
    ours = one.mask[shared_slices(shared, one.left_px, one.top_px)]
    return int(np.count_nonzero(ours & other.mask[shared_slices(shared, other.left_px, other.top_px)]))


def _is_cut(grid: TileGrid, fragment: Fragment) -> bool:
    tile, rect = grid.tile(fragment.tile_index), rect_of(fragment.placed)
    return (
        (tile.rect.left_px > 0 and rect.left_px - tile.rect.left_px <= 1)
        or (tile.rect.top_px > 0 and rect.top_px - tile.rect.top_px <= 1)
        or (tile.rect.right_px < grid.raster_width_px and tile.rect.right_px - rect.right_px <= 1)
        or (tile.rect.bottom_px < grid.raster_height_px and tile.rect.bottom_px - rect.bottom_px <= 1)
    )
