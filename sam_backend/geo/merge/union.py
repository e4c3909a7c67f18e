"""One mask out of pieces that several tiles cut off."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sam_backend.geo.merge.placed import cropped, rect_of
from sam_backend.geo.tiles import PixelRect, PlacedMask

_EIGHT_NEIGHBOURS = np.ones((3, 3), np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class _LabelledPiece:
    """A piece and its connected parts, numbered from 1; 0 = background."""

    rect: PixelRect
    labels: NDArray[np.int32]
    areas_px: NDArray[np.intp]


def join_pieces(pieces: list[PlacedMask]) -> PlacedMask:
    """The largest connected part of the pieces' union, neighbours by side or corner; of equals, the first.

    Labels each piece by itself and then looks where pieces touch, so nothing but the result is as large as the whole:
    a road over 20 tiles costs one bit of answer a pixel, not four bytes of labels.
    """
    labelled = [_label(cropped(piece)) for piece in pieces if piece.mask.any()]
    parts = _connected(labelled)
    largest = max(parts, key=lambda part: sum(labelled[piece].areas_px[label] for piece, label in part))
    return _paint(labelled, largest)


def without(placed: PlacedMask, rects: list[PixelRect]) -> PlacedMask:
    """A copy with nothing inside the rectangles."""
    own, mask = rect_of(placed), placed.mask.copy()
    for rect in rects:
        shared = own.intersection(rect)
        if not shared.is_empty:
            rows = slice(shared.top_px - own.top_px, shared.bottom_px - own.top_px)
            mask[rows, shared.left_px - own.left_px : shared.right_px - own.left_px] = False
    return PlacedMask(placed.left_px, placed.top_px, mask)


def _label(piece: PlacedMask) -> _LabelledPiece:
    labels = np.zeros(piece.mask.shape, np.int32)
    ndimage.label(piece.mask, _EIGHT_NEIGHBOURS, output=labels)
    return _LabelledPiece(rect_of(piece), labels, np.bincount(labels.ravel()))


def _connected(pieces: list[_LabelledPiece]) -> list[list[tuple[int, int]]]:
    """Parts of pieces, as (piece, label), grouped by whether they touch."""
    group_of = {(index, label): [(index, label)] for index, piece in enumerate(pieces) for label in _labels_of(piece)}
    for one, other in combinations(range(len(pieces)), 2):
        for label, other_label in sorted(_touching_labels(pieces[one], pieces[other])):
            kept, joined = group_of[one, label], group_of[other, other_label]
            if kept is not joined:
                kept += joined
                group_of |= dict.fromkeys(joined, kept)
    return list({id(group): group for group in group_of.values()}.values())


def _labels_of(piece: _LabelledPiece) -> range:
    return range(1, len(piece.areas_px))


def _touching_labels(one: _LabelledPiece, other: _LabelledPiece) -> set[tuple[int, int]]:
    """Pairs of labels of which a pixel lies on, beside or diagonal to one of the other's."""
    pairs: set[tuple[int, int]] = set()
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            rect = PixelRect(
                one.rect.left_px + right, one.rect.top_px + down, one.rect.right_px + right, one.rect.bottom_px + down
            )
            shared = rect.intersection(other.rect)
            if not shared.is_empty:
                ours, theirs = _window(one.labels, rect, shared), _window(other.labels, other.rect, shared)
                is_both = (ours > 0) & (theirs > 0)
                pairs |= set(zip(ours[is_both].tolist(), theirs[is_both].tolist(), strict=True))
    return pairs


def _window(labels: NDArray[np.int32], own: PixelRect, rect: PixelRect) -> NDArray[np.int32]:
    rows = slice(rect.top_px - own.top_px, rect.bottom_px - own.top_px)
    return labels[rows, rect.left_px - own.left_px : rect.right_px - own.left_px]


def _paint(pieces: list[_LabelledPiece], parts: list[tuple[int, int]]) -> PlacedMask:
    masks = []
    for index in sorted({piece for piece, _ in parts}):
        is_chosen = np.zeros(len(pieces[index].areas_px), np.bool_)
        is_chosen[[label for piece, label in parts if piece == index]] = True
        rect = pieces[index].rect
        masks.append(cropped(PlacedMask(rect.left_px, rect.top_px, is_chosen[pieces[index].labels])))
    rects = [rect_of(mask) for mask in masks]
    left, top = min(rect.left_px for rect in rects), min(rect.top_px for rect in rects)
    hw = max(rect.bottom_px for rect in rects) - top, max(rect.right_px for rect in rects) - left
    canvas = np.zeros(hw, np.bool_)
    for mask, rect in zip(masks, rects, strict=True):
        canvas[rect.top_px - top : rect.bottom_px - top, rect.left_px - left : rect.right_px - left] |= mask.mask
    return PlacedMask(left, top, canvas)
