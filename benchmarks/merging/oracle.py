"""A simulated model for merging: every tile sees the true outlines, cut by its edges, a little wrong, not all of them.

This isolates merging: what is lost against the truth is lost by it (and by what no tile saw), not by a network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sam_backend.geo.merge import Fragment
from sam_backend.geo.tiles import PixelRect, PlacedMask, Tile, TileGrid


@dataclass(frozen=True, slots=True)
class Oracle:
    """How wrong the readings are. Each tile errs by itself; an error depends on seed, tile and object alone."""

    jitter_px: float = 2.0
    """Standard deviation of the outline's displacement."""

    roughness_px: float = 4.0
    """Over about what length along the outline the displacement changes."""

    miss_share: float = 0.03
    """How many readings are missing."""

    is_cut_edge_jittered: bool = False
    """Whether the edge made by the tile is displaced like the rest, so that a cut is harder to notice."""

    seed: int = 0

    def fragments(self, grid: TileGrid, truth: list[PlacedMask]) -> list[Fragment]:
        """What all tiles see of the true objects."""
        return [fragment for tile in grid for fragment in self.of_tile(tile, truth)]

    def of_tile(self, tile: Tile, truth: list[PlacedMask]) -> Iterator[Fragment]:
        """What one tile sees."""
        for index, placed in enumerate(truth):
            seen = rect_of(placed).intersection(tile.rect)
            if seen.is_empty:
                continue
            chance = np.random.default_rng([self.seed, tile.index, index])
            is_missed = chance.random() < self.miss_share
            predicted_iou, stability = chance.uniform(0.88, 1, 2)
            reading = self._jittered(placed, tile.rect, chance)
            if not is_missed and reading.mask.any():
                yield Fragment(tile.index, reading, float(predicted_iou), float(stability))

    def _jittered(self, placed: PlacedMask, tile: PixelRect, chance: np.random.Generator) -> PlacedMask:
        """The object within the tile, its outline displaced by smooth noise."""
        margin_px = 0 if self.jitter_px == 0 else round(4 * self.jitter_px)
        around = grown(rect_of(placed), margin_px).intersection(grown(tile, margin_px))
        mask = pasted(placed, around, within=tile if self.is_cut_edge_jittered else around)
        if self.jitter_px and mask.any():
            mask = displaced(mask, self.jitter_px, self.roughness_px, chance)
        seen = around.intersection(tile)
        return cropped(PlacedMask(seen.left_px, seen.top_px, pasted(placed_at(around, mask), seen, within=seen)))


def displaced(
    mask: NDArray[np.bool_], sigma_px: float, roughness_px: float, chance: np.random.Generator
) -> NDArray[np.bool_]:
    """A mask whose outline is moved in and out by smooth noise of a standard deviation."""
    noise = ndimage.gaussian_filter(chance.standard_normal(mask.shape, np.float32), roughness_px, mode="wrap")
    noise *= sigma_px * 2 * np.sqrt(np.pi) * roughness_px  # a Gaussian filter of width s divides the deviation so
    inside_px = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] - 0.5
    outside_px = ndimage.distance_transform_edt(~mask) - 0.5
    moved: NDArray[np.bool_] = np.where(mask, inside_px, -outside_px) + noise > 0
    return moved


def pasted(placed: PlacedMask, into: PixelRect, within: PixelRect) -> NDArray[np.bool_]:
    """The pixels of a rectangle that the mask covers, inside a second one only."""
    canvas = np.zeros((into.height_px, into.width_px), np.bool_)
    shared = rect_of(placed).intersection(into).intersection(within)
    if not shared.is_empty:
        source = shared_slices(shared, placed.left_px, placed.top_px)
        canvas[shared_slices(shared, into.left_px, into.top_px)] = placed.mask[source]
    return canvas


def shared_slices(rect: PixelRect, left_px: int, top_px: int) -> tuple[slice, slice]:
    """Rows and columns of a rectangle in an array whose first pixel lies there."""
    rows = slice(rect.top_px - top_px, rect.bottom_px - top_px)
    return rows, slice(rect.left_px - left_px, rect.right_px - left_px)


def rect_of(placed: PlacedMask) -> PixelRect:
    """The rectangle of its array."""
    h, w = placed.mask.shape
    return PixelRect(placed.left_px, placed.top_px, placed.left_px + w, placed.top_px + h)


def grown(rect: PixelRect, by_px: int) -> PixelRect:
    """A rectangle with a margin."""
    return PixelRect(rect.left_px - by_px, rect.top_px - by_px, rect.right_px + by_px, rect.bottom_px + by_px)


def placed_at(rect: PixelRect, mask: NDArray[np.bool_]) -> PlacedMask:
    """A mask that fills a rectangle."""
    return PlacedMask(rect.left_px, rect.top_px, mask)


def cropped(placed: PlacedMask) -> PlacedMask:
    """Without the empty rows and columns around it."""
    rows, columns = np.flatnonzero(placed.mask.any(axis=1)), np.flatnonzero(placed.mask.any(axis=0))
    if not len(rows):
        return placed
    mask = placed.mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return PlacedMask(placed.left_px + int(columns[0]), placed.top_px + int(rows[0]), mask)


def f1_score(found: list[PlacedMask], truth: list[PlacedMask], min_iou: float = 0.5) -> float:
    """Of objects found and true ones, paired one to one, best IoU first, from an IoU on."""
    boxes, true_boxes = boxes_xyxy(found)[:, None], boxes_xyxy(truth)[None]
    near = np.argwhere(
        (np.maximum(boxes[..., :2], true_boxes[..., :2]) < np.minimum(boxes[..., 2:], true_boxes[..., 2:])).all(axis=2)
    )
    ious = ((iou_of(found[one], truth[other]), one, other) for one, other in near.tolist())
    pairs = sorted((-iou, one, other) for iou, one, other in ious if iou >= min_iou)
    taken_found: set[int] = set()
    taken_truth: set[int] = set()
    for _, one, other in pairs:
        if one not in taken_found and other not in taken_truth:
            taken_found.add(one)
            taken_truth.add(other)
    return 2 * len(taken_found) / (len(found) + len(truth)) if found or truth else 1.0


def boxes_xyxy(masks: list[PlacedMask]) -> NDArray[np.int64]:
    """(n, 4), half-open."""
    rects = [rect_of(placed) for placed in masks]
    boxes = [(rect.left_px, rect.top_px, rect.right_px, rect.bottom_px) for rect in rects]
    return np.array(boxes, np.int64).reshape(-1, 4)


def iou_of(one: PlacedMask, other: PlacedMask) -> float:
    """Intersection over union."""
    shared = rect_of(one).intersection(rect_of(other))
    if shared.is_empty:
        return 0.0
    ours = one.mask[shared_slices(shared, one.left_px, one.top_px)]
    theirs = other.mask[shared_slices(shared, other.left_px, other.top_px)]
    both_px = int(np.count_nonzero(ours & theirs))
    return both_px / (int(np.count_nonzero(one.mask)) + int(np.count_nonzero(other.mask)) - both_px)
