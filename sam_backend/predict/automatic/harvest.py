"""From masks that passed one by one to the masks of the picture: what is done to them together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sam_backend.predict.automatic.crop_sieve import RankedRecord
from sam_backend.predict.automatic.nms import box_nms
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.automatic.records import MaskRecord, stack_boxes
from sam_backend.predict.automatic.small_regions import remove_small_regions
from sam_backend.predict.automatic.suppression import suppress_overlaps


@dataclass(frozen=True, slots=True, eq=False)
class Harvest:
    """Masks found so far. A value: what was read off one stays true while the next grow."""

    options: AutomaticOptions

    settled: tuple[MaskRecord, ...] = ()
    """Of crops that are done, duplicates within a crop removed."""

    growing: tuple[RankedRecord, ...] = ()
    """Of the crop under way."""

    def with_found(self, found: Sequence[RankedRecord]) -> Harvest:
        """Add masks of the crop under way."""
        return dataclasses.replace(self, growing=(*self.growing, *found))

    def with_crop_closed(self) -> Harvest:
        """Remove the crop's duplicates and make ready for the next crop."""
        return Harvest(self.options, (*self.settled, *self._settle_crop()))

    def records(self) -> list[MaskRecord]:
        """The masks of the picture, in the official order."""
        options = self.options
        records = [*self.settled, *self._settle_crop()]
        if options.crop_n_layers > 0:
            records = _suppress_across_crops(records, options.crop_nms_thresh)
        if options.min_mask_region_area > 0:
            nms_thresh = max(options.box_nms_thresh, options.crop_nms_thresh)
            records = remove_small_regions(records, options.min_mask_region_area, options.small_masks, nms_thresh)
        if options.mask_nms_thresh is not None or options.containment_thresh is not None:
            records = suppress_overlaps(records, options.mask_nms_thresh, options.containment_thresh)
        return records if options.max_masks is None else _best(records, options.max_masks)

    def _settle_crop(self) -> list[MaskRecord]:
        records = [record for _, record in sorted(self.growing, key=lambda ranked: ranked[0])]
        scores = np.array([record.predicted_iou for record in records], np.float32)
        return [records[index] for index in box_nms(stack_boxes(records), scores, self.options.box_nms_thresh)]


def _suppress_across_crops(records: list[MaskRecord], iou_thresh: float) -> list[MaskRecord]:
    """Masks of smaller crops win: there the model saw more of the object."""
    crops_xyxy = np.array([record.crop_xyxy for record in records], np.int64).reshape(-1, 4)
    crops_px = (crops_xyxy[:, 2] - crops_xyxy[:, 0]) * (crops_xyxy[:, 3] - crops_xyxy[:, 1])
    scores = np.float32(1) / crops_px.astype(np.float32)
    return [records[index] for index in box_nms(stack_boxes(records), scores, iou_thresh)]


def _best(records: list[MaskRecord], n_most: int) -> list[MaskRecord]:
    ranked = sorted(records, key=lambda record: -(record.predicted_iou + record.stability_score) / 2)
    return ranked[:n_most]
