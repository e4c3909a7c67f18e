"""What a crop's masks must pass, one by one: predicted IoU, stability, edges, size; in the official order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.automatic.crops import Crop
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.automatic.records import MaskRecord
from sam_backend.predict.frame import ImageFrame
from sam_backend.predict.point_masks import READINGS_PER_POINT, PointMasks
from sam_backend.predict.tracing.mask_tracer import MaskTracer

EDGE_TOLERANCE_PX = 20
"""A mask this close to an edge of its crop is taken for one that the crop cuts."""

MODEL_PX_PER_CELL = 4
"""Low-res logits are in a quarter of model px."""

RankedRecord = tuple[int, MaskRecord]
"""A record and its place in the official order: that of its point in the grid, then of the point's readings."""


@dataclass(frozen=True, slots=True, eq=False)
class CropSieve:
    """Lets the good masks of one crop through. Nothing is drawn at full size."""

    crop: Crop
    tracer: MaskTracer
    options: AutomaticOptions

    @classmethod
    def of_crop(cls, crop: Crop, frame: ImageFrame, image_hw: tuple[int, int], options: AutomaticOptions) -> CropSieve:
        """Prepare for a crop with a frame of its own, of a picture of ``image_hw`` px."""
        tracer = MaskTracer.of_crop(
            frame,
            frame.model_size // MODEL_PX_PER_CELL,
            left_top_xy=crop.left_top_xy,
            image_hw=image_hw,
            stability_offset=options.stability_score_offset,
        )
        return cls(crop, tracer, options)

    @property
    def iou_above(self) -> float:
        """What a mask's predicted IoU must exceed: asked of the decoder, so that it need not finish the others."""
        return self.options.pred_iou_thresh or -math.inf

    def sift(
        self, masks: PointMasks, point_index: NDArray[np.int64], points_xy: NDArray[np.float64]
    ) -> Iterator[RankedRecord]:
        """Yield the records of those that pass.

        Args:
            masks: of a batch of points.
            point_index: (n,). Which points of the crop's grid they are.
            points_xy: (all, 2). All points of the grid, in px of the crop.
        """
        for traced in self.tracer.trace(masks.low_res_logits, self.options.stability_score_thresh or None):
            box_xyxy = traced.runs.box_inclusive_xyxy()
            if self._is_empty_or_vast(traced.runs.area_px) or self._is_cut(box_xyxy):
                continue
            nth_point, reading = divmod(int(masks.index[traced.index]), READINGS_PER_POINT)
            point = int(point_index[nth_point])
            yield (
                point * READINGS_PER_POINT + reading,
                MaskRecord(
                    runs=traced.runs,
                    box_inclusive_xyxy=box_xyxy,
                    predicted_iou=float(masks.predicted_iou[traced.index]),
                    stability_score=float(traced.stability_score),
                    point_xy=self._in_picture(points_xy[point]),
                    crop_xyxy=self.crop.box_xyxy,
                ),
            )

    def _in_picture(self, point_xy: NDArray[np.float64]) -> tuple[float, float]:
        left, top = self.crop.left_top_xy
        return float(point_xy[0]) + left, float(point_xy[1]) + top

    def _is_empty_or_vast(self, area_px: int) -> bool:
        height, width = self.tracer.image_hw
        limit = self.options.max_area_share
        return area_px == 0 or (limit is not None and area_px >= limit * height * width)

    def _is_cut(self, box_inclusive_xyxy: tuple[int, int, int, int]) -> bool:
        """Whether the box lies at an edge of the crop that is no edge of the picture."""
        height, width = self.tracer.image_hw
        return any(
            abs(side - crop_side) <= EDGE_TOLERANCE_PX < abs(side - image_side)
            for side, crop_side, image_side in zip(
                box_inclusive_xyxy, self.crop.box_xyxy, (0, 0, width, height), strict=True
            )
        )
