"""A record of a mask, as the generator would make it."""

import numpy as np
from numpy.typing import NDArray

from sam_backend.masks.column_runs import ColumnRuns
from sam_backend.predict.automatic.records import MaskRecord


def record_of(mask: NDArray[np.bool_], predicted_iou: float = 0.9, stability_score: float = 0.97) -> MaskRecord:
    runs = ColumnRuns.of_window(mask, (0, 0), mask.shape)
    height, width = mask.shape
    return MaskRecord(
        runs=runs,
        box_inclusive_xyxy=runs.box_inclusive_xyxy(),
        predicted_iou=predicted_iou,
        stability_score=stability_score,
        point_xy=(1.5, 2.5),
        crop_xyxy=(0, 0, width, height),
    )


def box_mask(image_hw: tuple[int, int], box_xyxy: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    mask = np.zeros(image_hw, np.bool_)
    left, top, right, bottom = box_xyxy
    mask[top:bottom, left:right] = True
    return mask
