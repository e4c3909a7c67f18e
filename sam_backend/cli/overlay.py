"""A picture with a mask and the prompts drawn on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sam_backend.types import Prompts

MASK_RGB = (30, 144, 255)
MASK_OPACITY = 0.45
OUTLINE_RGB = (255, 255, 255)
ON_OBJECT_RGB = (50, 205, 50)
BESIDE_OBJECT_RGB = (230, 40, 40)


def draw_overlay(image: NDArray[np.uint8], mask: NDArray[np.bool_], prompts: Prompts) -> Image.Image:
    """Tint the mask, outline it and draw the prompts: green on the object, red beside it, the box in green.

    Args:
        image: (h, w, 3) RGB.
        mask: (h, w).
        prompts: in image px.
    """
    tinted = image.astype(np.float32)
    tinted[mask] = (1 - MASK_OPACITY) * tinted[mask] + MASK_OPACITY * np.array(MASK_RGB)
    line_px = max(1, round(max(image.shape[:2]) / 600))
    tinted[_edge(mask, line_px)] = OUTLINE_RGB
    picture = Image.fromarray(tinted.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    if prompts.box_xyxy is not None:
        draw.rectangle(prompts.box_xyxy.tolist(), outline=ON_OBJECT_RGB, width=2 * line_px)
    for xy, is_foreground in zip(prompts.points_xy.tolist(), prompts.is_foreground, strict=True):
        colour = ON_OBJECT_RGB if is_foreground else BESIDE_OBJECT_RGB
        draw.circle(xy, radius=5 * line_px, fill=colour, outline=OUTLINE_RGB, width=line_px)
    return picture


def _edge(mask: NDArray[np.bool_], line_px: int) -> NDArray[np.bool_]:
    """The mask's own pixels within ``line_px`` of its outside."""
    eroded = Image.fromarray(mask.astype(np.uint8)).filter(ImageFilter.MinFilter(2 * line_px + 1))
    edge: NDArray[np.bool_] = mask & (np.asarray(eroded) == 0)
    return edge
