"""Which readings of two tiles are the same object: one to one, the best first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.geo.merge.reading import Reading
from sam_backend.geo.merge.rules import MergeRules
from sam_backend.geo.tiles import PixelRect, Tile

Key = tuple[int, int]


@dataclass(frozen=True, slots=True, order=True)
class Match:
    """Two readings taken for one object. Sorted, the best comes first, whatever the order they were found in."""

    minus_iou: float
    first: Key
    second: Key

    @property
    def iou(self) -> float:
        """Of the two inside what both tiles saw."""
        return -self.minus_iou


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What a reading shows of the rectangle that two tiles share."""

    key: Key
    rect: PixelRect
    mask: NDArray[np.bool_]
    area_px: int


@dataclass(frozen=True, slots=True)
class _Seam:
    """Where two tiles meet without overlap."""

    rects: tuple[PixelRect, PixelRect]
    """The pixels along it, of the first tile and of the second."""

    across_axis: int
    """The mask's axis that crosses it: 0 where one tile lies below the other, 1 where they lie side by side."""


def match_tiles(
    first: tuple[Tile, list[Reading]], second: tuple[Tile, list[Reading]], rules: MergeRules
) -> list[Match]:
    """Match the readings of two tiles by their IoU inside what both saw, greedily, the best first, one to one.

    Two readings of one tile never match, and slivers never take part. Tiles that meet without overlap are matched
    along the seam.
    """
    if second[0].index < first[0].index:
        first, second = second, first
    shared = first[0].rect.intersection(second[0].rect)
    if not shared.is_empty:
        return _one_to_one(_candidates(_parts(first[1], shared), _parts(second[1], shared), rules.match_iou))
    seam = _seam(first[0].rect, second[0].rect, rules.edge_px + 1)
    if seam is None:
        return []
    before = _profiles(first[1], seam.rects[0], seam.across_axis)
    after = _profiles(second[1], seam.rects[1], seam.across_axis)
    return _one_to_one(_candidates(before, after, rules.seam_iou))


def _parts(readings: list[Reading], shared: PixelRect) -> list[_Part]:
    parts = []
    for reading in readings:
        rect = reading.rect.intersection(shared)
        if reading.is_sliver or rect.is_empty:
            continue
        mask = reading.window(rect)
        area_px = int(np.count_nonzero(mask))
        if area_px:
            parts.append(_Part(reading.key, rect, mask, area_px))
    return parts


def _seam(first: PixelRect, second: PixelRect, depth_px: int) -> _Seam | None:
    """Where two tiles meet without overlap; None where they meet in a corner only."""
    top, bottom = max(first.top_px, second.top_px), min(first.bottom_px, second.bottom_px)
    left, right = max(first.left_px, second.left_px), min(first.right_px, second.right_px)
    if top < bottom:
        before = PixelRect(first.right_px - depth_px, top, first.right_px, bottom)
        return _Seam((before, PixelRect(second.left_px, top, second.left_px + depth_px, bottom)), across_axis=1)
    if left < right:
        before = PixelRect(left, first.bottom_px - depth_px, right, first.bottom_px)
        return _Seam((before, PixelRect(left, second.top_px, right, second.top_px + depth_px)), across_axis=0)
    return None


def _profiles(readings: list[Reading], along: PixelRect, across_axis: int) -> list[_Part]:
    """What readings show of the pixels along a seam, flattened to one pixel across it."""
    profiles = []
    for part in _parts(readings, along):
        mask: NDArray[np.bool_] = np.logical_or.reduce(part.mask, axis=across_axis, keepdims=True)
        rect = (
            PixelRect(0, part.rect.top_px, 1, part.rect.bottom_px)
            if across_axis
            else PixelRect(part.rect.left_px, 0, part.rect.right_px, 1)
        )
        profiles.append(_Part(part.key, rect, mask, int(np.count_nonzero(mask))))
    return profiles


def _candidates(first: list[_Part], second: list[_Part], min_iou: float) -> list[Match]:
    if not first or not second:
        return []
    pairs = np.argwhere(_may_match(first, second, min_iou))
    matches = (_match(first[one], second[other]) for one, other in pairs)
    return [match for match in matches if match.iou >= min_iou]


def _may_match(first: list[_Part], second: list[_Part], min_iou: float) -> NDArray[np.bool_]:
    """(n, m): whether the boxes overlap and the areas alone don't rule the IoU out; spares most comparisons."""
    boxes, others = _boxes_xyxy(first)[:, None], _boxes_xyxy(second)[None]
    low_xy, high_xy = np.maximum(boxes[..., :2], others[..., :2]), np.minimum(boxes[..., 2:], others[..., 2:])
    shared_px = (high_xy - low_xy).clip(0).prod(axis=2)
    areas, other_areas = _areas(first)[:, None], _areas(second)[None]
    shared_px = np.minimum(shared_px, np.minimum(areas, other_areas))
    may_match: NDArray[np.bool_] = shared_px >= min_iou * (areas + other_areas - shared_px)
    return may_match


def _boxes_xyxy(parts: list[_Part]) -> NDArray[np.int64]:
    rects = (part.rect for part in parts)
    return np.array([(rect.left_px, rect.top_px, rect.right_px, rect.bottom_px) for rect in rects], np.int64)


def _areas(parts: list[_Part]) -> NDArray[np.int64]:
    return np.array([part.area_px for part in parts], np.int64)


def _match(first: _Part, second: _Part) -> Match:
    shared = first.rect.intersection(second.rect)
    both_px = int(np.count_nonzero(_within(first, shared) & _within(second, shared)))
    return Match(-both_px / (first.area_px + second.area_px - both_px), first.key, second.key)


def _within(part: _Part, rect: PixelRect) -> NDArray[np.bool_]:
    rows = slice(rect.top_px - part.rect.top_px, rect.bottom_px - part.rect.top_px)
    return part.mask[rows, rect.left_px - part.rect.left_px : rect.right_px - part.rect.left_px]


def _one_to_one(candidates: list[Match]) -> list[Match]:
    taken: set[Key] = set()
    chosen = []
    for match in sorted(candidates):
        if match.first not in taken and match.second not in taken:
            taken |= {match.first, match.second}
            chosen.append(match)
    return chosen
