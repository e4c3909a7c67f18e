"""What is told of each mask, as the official generator tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from sam_backend.errors import OptionsError
from sam_backend.masks.column_runs import ColumnRuns
from sam_backend.predict.automatic.crops import CropXyxy

OutputMode = Literal["binary_mask", "uncompressed_rle", "coco_rle"]
"""How a record's dict holds the mask: (h, w) bool, run lengths as a list, or COCO's compressed string."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskRecord:
    """One mask of a picture, in image px."""

    runs: ColumnRuns
    """The mask."""

    box_inclusive_xyxy: tuple[int, int, int, int]
    """Its left, top, right and bottom pixel."""

    predicted_iou: float
    """The model's own estimate of its quality."""

    stability_score: float
    """IoU of the mask cut a little above and a little below its threshold."""

    point_xy: tuple[float, float]
    """The click that it answers."""

    crop_xyxy: CropXyxy
    """The part of the picture that the model saw; half-open corners."""

    @property
    def area_px(self) -> int:
        """Number of pixels."""
        return self.runs.area_px

    def to_dict(self, output_mode: OutputMode = "binary_mask") -> dict[str, Any]:
        """The record of the official ``SamAutomaticMaskGenerator``, with its keys and its boxes.

        Boxes are XYWH; ``bbox`` reaches from the first to the last pixel, so it is one px short.

        Raises:
            OptionsError: ``output_mode`` is none of the three.
        """
        return {
            "segmentation": _segmentation(self.runs, output_mode),
            "area": self.area_px,
            "bbox": _xyxy_to_xywh(self.box_inclusive_xyxy),
            "predicted_iou": self.predicted_iou,
            "point_coords": [list(self.point_xy)],
            "stability_score": self.stability_score,
            "crop_box": _xyxy_to_xywh(self.crop_xyxy),
        }


def _segmentation(runs: ColumnRuns, output_mode: OutputMode) -> Any:  # noqa: ANN401 - an array or JSON
    if output_mode == "binary_mask":
        return runs.to_mask()
    if output_mode == "uncompressed_rle":
        return {"size": list(runs.image_hw), "counts": runs.counts().tolist()}
    if output_mode == "coco_rle":
        return dict(runs.to_coco_rle())
    raise OptionsError(f"the output mode {output_mode!r} isn't known: choose one of {', '.join(get_args(OutputMode))}")


def _xyxy_to_xywh(box_xyxy: tuple[int, int, int, int]) -> list[int]:
    x0, y0, x1, y1 = box_xyxy
    return [x0, y0, x1 - x0, y1 - y0]


def stack_boxes(records: list[MaskRecord]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """The boxes (n, 4), inclusive XYXY."""
    return np.array([record.box_inclusive_xyxy for record in records], np.int64).reshape(-1, 4)
