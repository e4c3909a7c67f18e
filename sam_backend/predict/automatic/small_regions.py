"""Filling small holes and removing small islands (paper appendix B, "Postprocessing")."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sam_backend.masks.column_runs import ColumnRuns
from sam_backend.predict.automatic.nms import box_nms
from sam_backend.predict.automatic.records import MaskRecord, stack_boxes

SmallMasks = Literal["keep_largest", "drop"]
"""A mask of small islands only: its largest one stays, as in the official code, or it goes, as in the paper."""

_TOUCHING = np.ones((3, 3), np.bool_)  # by an edge or a corner


def remove_small_regions(
    records: Sequence[MaskRecord], min_area_px: int, small_masks: SmallMasks, nms_thresh: float
) -> list[MaskRecord]:
    """Clean every mask; then suppress duplicates that came of it, masks left unchanged winning over changed ones."""
    pairs = [(record, _clean_record(record, min_area_px, small_masks)) for record in records]
    cleaned = [clean for _, clean in pairs if clean is not None]
    is_unchanged = np.array([clean is record for record, clean in pairs if clean is not None], np.float32)
    return [cleaned[index] for index in box_nms(stack_boxes(cleaned), is_unchanged, nms_thresh)]


def _clean_record(record: MaskRecord, min_area_px: int, small_masks: SmallMasks) -> MaskRecord | None:
    window_xyxy = _window(record, min_area_px)
    window = record.runs.to_window(window_xyxy)
    filled, has_holes = fill_small_holes(window, min_area_px)
    clean, has_islands = remove_small_islands(filled, min_area_px, small_masks)
    if not clean.any():
        return None
    if not (has_holes or has_islands):
        return record
    runs = ColumnRuns.of_window(clean, window_xyxy[:2], record.runs.image_hw)
    return dataclasses.replace(record, runs=runs, box_inclusive_xyxy=runs.box_inclusive_xyxy())


def _window(record: MaskRecord, margin_px: int) -> tuple[int, int, int, int]:
    """The mask's box and so much around it that what reaches beyond can't look small; half-open corners."""
    left, top, right, bottom = record.box_inclusive_xyxy
    height, width = record.runs.image_hw
    return (
        max(0, left - margin_px),
        max(0, top - margin_px),
        min(width, right + 1 + margin_px),
        min(height, bottom + 1 + margin_px),
    )


def fill_small_holes(mask: NDArray[np.bool_], min_area_px: int) -> tuple[NDArray[np.bool_], bool]:
    """Fill the holes (h, w) of fewer than ``min_area_px`` pixels; also say whether there were any."""
    labels, n_px = _label(~mask)
    is_small = n_px < min_area_px
    is_small[0] = False  # the mask itself
    return mask | is_small[labels], bool(is_small.any())


def remove_small_islands(
    mask: NDArray[np.bool_], min_area_px: int, small_masks: SmallMasks
) -> tuple[NDArray[np.bool_], bool]:
    """Remove the pieces (h, w) of fewer than ``min_area_px`` pixels; also say whether there were any.

    Where all are small, ``keep_largest`` keeps the largest one (the first of equals, row by row), ``drop`` none.
    """
    labels, n_px = _label(mask)
    is_large = n_px >= min_area_px
    is_large[0] = False  # the background
    has_small = int(is_large.sum()) < len(n_px) - 1
    if has_small and not is_large.any() and small_masks == "keep_largest":
        is_large[1 + np.argmax(n_px[1:])] = True
    return is_large[labels], has_small


def _label(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The number of each pixel's piece, 0 outside, and the pieces' sizes in px."""
    labels = np.zeros(mask.shape, np.int32)
    ndimage.label(mask, _TOUCHING, output=labels)
    return labels, np.bincount(labels.ravel(), minlength=1)
