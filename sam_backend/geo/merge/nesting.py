"""What to do with objects that lie inside others, once all are merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from shapely import STRtree, box

from sam_backend.geo.merge.fragment import MergedObject
from sam_backend.geo.merge.placed import cropped, place_key, rect_of, shared_area_px, window
from sam_backend.geo.tiles import PlacedMask

INSIDE_SHARE = 0.8
"""An object lies inside a larger one that covers at least this share of it; outlines of readings differ a little."""


class NestingPolicy(Enum):
    """Which of nested objects to keep."""

    ALL = "all"
    """Every object as it is."""

    TOP_LEVEL = "top_level"
    """Only objects that lie in no larger one: parcels, not the houses on them."""

    PARTS = "parts"
    """Only objects that hold no smaller one: the houses and empty parcels."""

    FLAT = "flat"
    """All, but no pixel twice: smaller objects lie over larger ones, of which the rest remains. What is covered
    altogether goes."""


def apply_nesting(objects: Sequence[MergedObject], policy: NestingPolicy) -> list[MergedObject]:
    """Keep what the policy says, in the given order. Flat objects keep their attributes but lose pixels."""
    if policy is NestingPolicy.ALL or not objects:
        return list(objects)
    smaller, larger = _overlapping_pairs(objects)
    if policy is NestingPolicy.FLAT:
        return _flat(objects, smaller, larger)
    is_inside = _is_inside(objects, smaller, larger)
    dropped = set((smaller if policy is NestingPolicy.TOP_LEVEL else larger)[is_inside].tolist())
    return [merged for index, merged in enumerate(objects) if index not in dropped]


def _overlapping_pairs(objects: Sequence[MergedObject]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(n,) twice: the indices of every two objects whose rectangles overlap, the smaller object's first."""
    rects = [rect_of(merged.placed) for merged in objects]
    boxes = box(*np.array([(r.left_px, r.top_px, r.right_px, r.bottom_px) for r in rects], np.float64).T)
    one, other = STRtree(boxes).query(boxes)
    rank = _rank_by_size(objects)
    is_smaller_first = rank[one] < rank[other]
    return one[is_smaller_first], other[is_smaller_first]


def _rank_by_size(objects: Sequence[MergedObject]) -> NDArray[np.intp]:
    """(n,): 0 for the smallest; of equals, by place."""
    areas = [int(np.count_nonzero(merged.placed.mask)) for merged in objects]
    order = sorted(range(len(objects)), key=lambda index: (areas[index], place_key(objects[index].placed), index))
    rank = np.empty(len(objects), np.intp)
    rank[order] = np.arange(len(objects))
    return rank


def _is_inside(
    objects: Sequence[MergedObject], smaller: NDArray[np.intp], larger: NDArray[np.intp]
) -> NDArray[np.bool_]:
    areas = np.array([np.count_nonzero(merged.placed.mask) for merged in objects])
    shared_px = [shared_area_px(objects[s].placed, objects[g].placed) for s, g in zip(smaller, larger, strict=True)]
    is_inside: NDArray[np.bool_] = np.array(shared_px, np.int64) >= INSIDE_SHARE * areas[smaller]
    return is_inside


def _flat(objects: Sequence[MergedObject], smaller: NDArray[np.intp], larger: NDArray[np.intp]) -> list[MergedObject]:
    over: dict[int, list[PlacedMask]] = {}
    for small, large in zip(smaller.tolist(), larger.tolist(), strict=True):
        over.setdefault(large, []).append(objects[small].placed)
    flat = (
        replace(merged, placed=_beneath(merged.placed, over[index])) if index in over else merged
        for index, merged in enumerate(objects)
    )
    return [merged for merged in flat if merged.placed.mask.size]


def _beneath(placed: PlacedMask, others: list[PlacedMask]) -> PlacedMask:
    """What is left of a mask under others."""
    rest = PlacedMask(placed.left_px, placed.top_px, placed.mask.copy())
    for other in others:
        shared = rect_of(rest).intersection(rect_of(other))
        if not shared.is_empty:
            view = window(rest, shared)
            view &= ~window(other, shared)
    return cropped(rest)
