"""A picture with all its masks drawn on it, each in a colour of its own."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam_backend.predict.automatic.records import MaskRecord

OPACITY = 0.5
_GOLDEN_RATIO = 0.6180339887  # hues in its steps never come close to one another soon


def draw_mask_map(image: NDArray[np.uint8], records: Iterable[MaskRecord]) -> Image.Image:
    """Tint every mask and outline it in its full colour, smaller masks over larger ones.

    Args:
        image: (h, w, 3) RGB.
        records: of this picture.
    """
    tinted = image.copy()
    for nth, record in enumerate(sorted(records, key=lambda one: -one.area_px)):
        _tint(tinted, image, record, np.array(_colour(nth)))
    return Image.fromarray(tinted)


def _tint(tinted: NDArray[np.uint8], image: NDArray[np.uint8], record: MaskRecord, rgb: NDArray[np.float64]) -> None:
    left, top, right, bottom = record.box_inclusive_xyxy
    box_xyxy = (left, top, right + 1, bottom + 1)
    mask = record.runs.to_window(box_xyxy)
    inside = np.pad(mask, 1)
    inside = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    part = (slice(box_xyxy[1], box_xyxy[3]), slice(box_xyxy[0], box_xyxy[2]))
    tinted[part][mask] = rgb
    tinted[part][inside] = (1 - OPACITY) * image[part][inside] + OPACITY * rgb


def _colour(nth: int) -> tuple[float, float, float]:
    red, green, blue = colorsys.hsv_to_rgb(nth * _GOLDEN_RATIO % 1, 0.75, 1)
    return 255 * red, 255 * green, 255 * blue
