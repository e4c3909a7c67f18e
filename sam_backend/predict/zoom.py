"""Small objects: a second look at a crop of the picture, in which they are large enough for the network.

An object below a twentieth of the long side is at most 51 of the network's 1024 px, three cells of its embedding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.embedding import Embedding
from sam_backend.predict.predictor import Predictor
from sam_backend.types import MaskPrediction, Prompts

SMALL = 0.05
"""Of the picture's long side: an object whose own long side is shorter gets a second look."""

_MARGIN = 3.0
"""How many times as long as the object its crop is at least."""

_LEAST_CROP_PX = 64


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of a picture, in image px."""

    left: int
    top: int
    right: int
    bottom: int

    def of(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut it out of (h, w, 3)."""
        return np.ascontiguousarray(image[self.top : self.bottom, self.left : self.right])


def crop_around(mask: NDArray[np.bool_], prompts: Prompts) -> Crop | None:
    """The part of the picture to look at again; None if the object is large enough, or there is nothing to gain.

    Sides are halves of each other and corners lie on a grid, so that the next click on the object, or on its
    neighbour, asks for the very same crop, whose embedding is there already.

    Args:
        mask: (h, w) of the first look.
        prompts: in image px; the crop holds all of them.
    """
    object_xyxy = _bounds_xyxy(mask, prompts.box_xyxy)
    long_px = max(mask.shape)
    if object_xyxy is None or _long_side_px(object_xyxy) >= SMALL * long_px:
        return None
    wanted_xyxy = _around(object_xyxy, prompts)
    size_px = float(long_px)
    while size_px / 2 >= max(_MARGIN * _long_side_px(wanted_xyxy), _LEAST_CROP_PX):
        size_px /= 2
    if size_px == long_px:
        return None
    left, top = (_on_grid(low, high, size_px) for low, high in zip(wanted_xyxy[:2], wanted_xyxy[2:], strict=True))
    height, width = mask.shape
    return Crop(
        left=max(0, round(left)),
        top=max(0, round(top)),
        right=min(width, round(left + size_px)),
        bottom=min(height, round(top + size_px)),
    )


def second_look(
    predictor: Predictor,
    first: MaskPrediction,
    prompts: Prompts,
    embed_crop: Callable[[Crop], Embedding],
) -> MaskPrediction | None:
    """Segment a small object again in a crop, and paste the mask back. None unless the network likes that one better.

    Args:
        predictor: of both looks.
        first: one mask (1, h, w), from the whole picture.
        prompts: in image px of the whole picture; a mask prompt is of the first look and left away.
        embed_crop: gives the embedding of a part of the picture.

    Returns:
        The mask of the crop in the frame of the picture, and its predicted IoU. The logits stay those of the first
        look: they are what the next click on the whole picture starts from.
    """
    crop = crop_around(first.masks[0], prompts)
    if crop is None:
        return None
    moved = _into(crop, prompts)
    is_one_click = len(moved.points_xy) == 1 and moved.box_xyxy is None
    seen = predictor.segment(embed_crop(crop), moved, multimask=is_one_click)
    best = seen.best
    if not seen.predicted_iou[best] > first.predicted_iou[0] or not seen.masks[best].any():
        return None
    pasted = np.zeros_like(first.masks)
    pasted[0, crop.top : crop.bottom, crop.left : crop.right] = seen.masks[best]
    return replace(first, masks=pasted, predicted_iou=seen.predicted_iou[best : best + 1])


def _bounds_xyxy(mask: NDArray[np.bool_], box_xyxy: NDArray[np.float32] | None) -> NDArray[np.float64] | None:
    """What a person drew says better how large the object is than a first look that may have missed it."""
    if box_xyxy is not None:
        return box_xyxy.astype(np.float64)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)


def _around(object_xyxy: NDArray[np.float64], prompts: Prompts) -> NDArray[np.float64]:
    corners_xy = np.concatenate([object_xyxy.reshape(2, 2), prompts.points_xy])
    return np.concatenate([corners_xy.min(axis=0), corners_xy.max(axis=0)])


def _long_side_px(xyxy: NDArray[np.float64]) -> float:
    return float((xyxy[2:] - xyxy[:2]).max())


def _on_grid(low: float, high: float, size_px: float) -> float:
    """Where to begin so that low..high lies in the middle, in steps of a quarter of the size."""
    step_px = size_px / 4
    return round(((low + high - size_px) / 2) / step_px) * step_px


def _into(crop: Crop, prompts: Prompts) -> Prompts:
    origin_xy = np.array([crop.left, crop.top], np.float32)
    size_xy = np.array([crop.right - crop.left, crop.bottom - crop.top], np.float32)
    box_xyxy = prompts.box_xyxy
    return Prompts(
        points_xy=(prompts.points_xy - origin_xy).clip(0, size_xy),
        is_foreground=prompts.is_foreground,
        box_xyxy=None if box_xyxy is None else box_xyxy - np.tile(origin_xy, 2),
    )
