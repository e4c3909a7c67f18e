"""Drawing covers of shapes in coordinates of their own, whatever their size and turn."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SUPERSAMPLING = 2


class Pen:
    """Draws on a square whose coordinates run from -1 to 1, x right and y down, turned by an angle of its own."""

    def __init__(self, side_px: float, turn_rad: float, squeeze: float = 1.0) -> None:
        """Begin with an empty cover.

        Args:
            side_px: of the square.
            turn_rad: turns all that is drawn.
            squeeze: scales y before the turn, 0 to 1.
        """
        self._side = max(2, round(side_px)) * SUPERSAMPLING
        cosine, sine = math.cos(turn_rad), math.sin(turn_rad)
        self._matrix = np.array([[cosine, sine], [-sine * squeeze, cosine * squeeze]]) * (self._side / 2)
        self._image = Image.new("L", (self._side, self._side))
        self._draw = ImageDraw.Draw(self._image)

    def polygon(self, points_xy: NDArray[np.float64], solid: bool = True) -> None:
        """Fill an outline (n, 2), or cut it out."""
        self._draw.polygon(self._flat(points_xy), fill=255 * solid)

    def line(self, points_xy: NDArray[np.float64], width: float) -> None:
        """Draw along points (n, 2) with a width in the square's unit, at least one pixel of the result."""
        width_px = max(SUPERSAMPLING, round(width * self._side / 2))
        self._draw.line(self._flat(points_xy), fill=255, width=width_px, joint="curve")

    def cover(self) -> NDArray[np.float32]:
        """(h, w), 0 to 1: how much of each pixel is drawn on, without the empty margins."""
        drawn = self._image.getbbox() or (0, 0, 1, 1)
        reduced = self._image.reduce(SUPERSAMPLING, box=drawn)
        return np.asarray(reduced, np.float32) / np.float32(255)

    def _flat(self, points_xy: NDArray[np.float64]) -> list[float]:
        flat: list[float] = (points_xy @ self._matrix + self._side / 2).ravel().tolist()
        return flat
