"""What the model found in a tile, before tiles know of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sam_backend.geo.tiles import PlacedMask
from sam_backend.masks.rle_coco import decode_coco_rle, encode_coco_rle


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One mask of one tile."""

    placed: PlacedMask
    """In run px of the whole raster."""

    predicted_iou: float
    """The model's own estimate of its quality."""

    stability: float | None = None
    """IoU of the mask cut a little above and a little below its threshold; where it answers an outline, IoU with what a
    click alone in its midst is answered with. None where it answers clicks or a box."""

    feature_id: int | None = None
    """Of the prompt's feature; None of an automatic mask."""

    def to_row(self) -> tuple[object, ...]:
        """Plain values, small enough to be kept or sent: the mask in COCO's run lengths."""
        placed = self.placed
        rle = encode_coco_rle(placed.mask)
        scores = (self.predicted_iou, self.stability, self.feature_id)
        return placed.left_px, placed.top_px, *rle["size"], rle["counts"], *scores

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Finding:
        """What `to_row` gave."""
        left_px, top_px, height_px, width_px, counts, predicted_iou, stability, feature_id = row
        mask = decode_coco_rle({"size": [height_px, width_px], "counts": counts})
        return cls(PlacedMask(left_px, top_px, mask), predicted_iou, stability, feature_id)
