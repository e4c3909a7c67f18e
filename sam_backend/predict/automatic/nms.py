"""Non-maximum suppression by boxes, with the very numbers and the order of the official code (torchvision's)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def box_nms(
    boxes_inclusive_xyxy: NDArray[np.int64], scores: NDArray[np.float32], iou_thresh: float
) -> NDArray[np.int64]:
    """Drop every box that overlaps one of a higher score by more than ``iou_thresh``.

    Boxes are measured from their first to their last pixel, so they come out one short, as in the official code.
    Among equal scores the earlier box wins.

    Args:
        boxes_inclusive_xyxy: (n, 4).
        scores: (n,).
        iou_thresh: of the boxes.

    Returns:
        Indices of the boxes that stay, highest score first.
    """
    order = np.argsort(-scores, kind="stable")
    corners = boxes_inclusive_xyxy[order].astype(np.float32)
    x0, y0, x1, y1 = corners.T
    area = (x1 - x0) * (y1 - y0)
    is_kept = np.ones(len(order), np.bool_)
    for index in range(len(order)):
        if not is_kept[index]:
            continue
        rest = slice(index + 1, None)
        width = (np.minimum(x1[index], x1[rest]) - np.maximum(x0[index], x0[rest])).clip(0)
        height = (np.minimum(y1[index], y1[rest]) - np.maximum(y0[index], y0[rest])).clip(0)
        shared = width * height
        with np.errstate(invalid="ignore"):  # two boxes of one pixel: 0 / 0 suppresses nothing
            iou = shared / (area[index] + area[rest] - shared)
        is_kept[rest] &= ~(iou.astype(np.float64) > iou_thresh)
    return order[is_kept]
