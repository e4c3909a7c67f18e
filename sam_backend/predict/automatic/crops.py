"""The picture and its overlapping crops, layer by layer (paper appendix B, "Cropping")."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

CropXyxy = tuple[int, int, int, int]
"""Left, top, right, bottom in image px, half-open."""


@dataclass(frozen=True, slots=True)
class Crop:
    """One part of the picture to be segmented on its own."""

    layer: int
    """0 for the whole picture; each further layer has twice the crops along each side."""

    box_xyxy: CropXyxy

    @property
    def left_top_xy(self) -> tuple[int, int]:
        """Where it lies in the picture."""
        return self.box_xyxy[:2]

    @property
    def crop_hw(self) -> tuple[int, int]:
        """Height and width."""
        left, top, right, bottom = self.box_xyxy
        return bottom - top, right - left


def lay_crops(image_hw: tuple[int, int], n_layers: int, overlap_ratio: float) -> list[Crop]:
    """Cover a picture with itself and ``n_layers`` of crops, in the official order.

    Args:
        image_hw: in image px.
        n_layers: beyond the picture itself; layer i has ``2**i`` crops along each side.
        overlap_ratio: how far crops of the first layer overlap, as a share of the picture's short side.

    Returns:
        The crops; those of a tiny picture that would have no pixel are left away.
    """
    height, width = image_hw
    crops = [Crop(0, (0, 0, width, height))]
    for layer in range(1, n_layers + 1):
        n_per_side = 2**layer
        overlap_px = int(overlap_ratio * min(image_hw) * (2 / n_per_side))
        spans_x, spans_y = (_spans(side, n_per_side, overlap_px) for side in (width, height))
        crops += [Crop(layer, (x0, y0, x1, y1)) for (x0, x1), (y0, y1) in itertools.product(spans_x, spans_y)]
    return crops


def _spans(side_px: int, n_crops: int, overlap_px: int) -> list[tuple[int, int]]:
    length = math.ceil((overlap_px * (n_crops - 1) + side_px) / n_crops)
    starts = ((length - overlap_px) * index for index in range(n_crops))
    return [(start, min(start + length, side_px)) for start in starts if start < side_px]
