"""Duplicates that boxes can't tell: masks that overlap, or that lie within one another. Beyond the official code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.automatic.records import MaskRecord, stack_boxes


def suppress_overlaps(
    records: Sequence[MaskRecord], mask_iou_thresh: float | None, containment_thresh: float | None
) -> list[MaskRecord]:
    """Drop every mask that overlaps one with a higher predicted IoU too much; the others keep their order.

    Args:
        records: of one picture.
        mask_iou_thresh: the most that two masks may share, as their IoU; None for no limit.
        containment_thresh: the most of the smaller of two masks that the other may cover; None for no limit.
    """
    boxes_xyxy = stack_boxes(list(records))
    kept: list[int] = []
    for index in sorted(range(len(records)), key=lambda nth: -records[nth].predicted_iou):
        rivals = np.array(kept, np.int64)[_touches(boxes_xyxy[kept], boxes_xyxy[index])]
        if not any(_overlaps(records[index], records[rival], mask_iou_thresh, containment_thresh) for rival in rivals):
            kept.append(index)
    return [records[index] for index in sorted(kept)]


def _touches(boxes_xyxy: NDArray[np.int64], box_xyxy: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,). Which inclusive boxes share a pixel with one."""
    starts_before_end = boxes_xyxy[:, :2] <= box_xyxy[2:]
    ends_after_start = boxes_xyxy[:, 2:] >= box_xyxy[:2]
    touches: NDArray[np.bool_] = np.all(starts_before_end & ends_after_start, axis=1)
    return touches


def _overlaps(
    one: MaskRecord, other: MaskRecord, mask_iou_thresh: float | None, containment_thresh: float | None
) -> bool:
    shared_px = one.runs.intersection_px(other.runs)
    union_px, smaller_px = one.area_px + other.area_px - shared_px, min(one.area_px, other.area_px)
    is_same = mask_iou_thresh is not None and shared_px > mask_iou_thresh * union_px
    is_within = containment_thresh is not None and shared_px > containment_thresh * smaller_px
    return is_same or is_within
