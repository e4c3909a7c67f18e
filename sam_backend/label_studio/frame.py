"""The one crossing between Label Studio's percent and image px, both ways, for points, boxes and masks.

Percent is anisotropic: 1 % of the width is not 1 % of the height in pixels, so nothing is rotated in percent.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def percent_to_image_xy(points_pct: NDArray[np.float64], image_hw: tuple[int, int]) -> NDArray[np.float64]:
    """Turn (n, 2) x, y in percent of width and height into image px."""
    points_xy: NDArray[np.float64] = points_pct * np.array(image_hw[::-1]) / 100
    return points_xy


def image_to_percent_xy(points_xy: NDArray[np.float64], image_hw: tuple[int, int]) -> NDArray[np.float64]:
    """Turn (n, 2) x, y in image px into percent of width and height."""
    points_pct: NDArray[np.float64] = points_xy * 100 / np.array(image_hw[::-1])
    return points_pct


def rectangle_pct_bounds(
    corner_pct: NDArray[np.float64], size_pct: NDArray[np.float64], rotation_deg: float, original_hw: tuple[int, int]
) -> NDArray[np.float64]:
    """The upright box around a rotated rectangle, in percent.

    Args:
        corner_pct: (2,) x, y of the rectangle's own first corner, about which it is turned.
        size_pct: (2,) width and height before the turn.
        rotation_deg: clockwise on the screen.
        original_hw: the picture's size in px as the editor knows it; the turn happens in these pixels.

    Returns:
        (4,) left, top, right, bottom in percent; beyond 0..100 where the rectangle leaves the picture.
    """
    cos, sin = math.cos(math.radians(rotation_deg)), math.sin(math.radians(rotation_deg))
    width_px, height_px = percent_to_image_xy(size_pct, original_hw)
    offsets_px = np.array([[0, 0], [width_px, 0], [width_px, height_px], [0, height_px]])
    turned_px = offsets_px @ np.array([[cos, sin], [-sin, cos]])  # clockwise, since y points down
    corners_pct = corner_pct + image_to_percent_xy(turned_px, original_hw)
    return np.concatenate([corners_pct.min(axis=0), corners_pct.max(axis=0)])


def resample_mask(mask: NDArray[np.bool_], to_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Bring an (h, w) mask to another size of the same picture, nearest pixel by pixel centres."""
    if mask.shape == to_hw:
        return mask
    rows, columns = (
        (2 * np.arange(wanted) + 1) * given // (2 * wanted) for given, wanted in zip(mask.shape, to_hw, strict=True)
    )
    resampled: NDArray[np.bool_] = mask[rows[:, None], columns]
    return resampled
