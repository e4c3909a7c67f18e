"""What a box gives without any model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def filled_box(box_xyxy: NDArray[np.float32], image_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask (h, w) of a whole box, in image px."""
    x0, y0, x1, y1 = np.round(box_xyxy).astype(int)
    mask = np.zeros(image_hw, np.bool_)
    mask[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
    return mask


def inscribed_ellipse(box_xyxy: NDArray[np.float32], image_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask (h, w) of the ellipse that fills a box, by pixel centres."""
    x0, y0, x1, y1 = box_xyxy
    y, x = np.mgrid[: image_hw[0], : image_hw[1]] + 0.5
    inside: NDArray[np.bool_] = ((2 * x - x0 - x1) / (x1 - x0)) ** 2 + ((2 * y - y0 - y1) / (y1 - y0)) ** 2 <= 1
    return inside
