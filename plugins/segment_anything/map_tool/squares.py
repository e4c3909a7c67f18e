"""Which part of a raster the model is shown: a square somewhat larger than what is in sight. No QGIS.

The model sees 1024 px, whatever the size of the square. So the square follows the zoom: large enough that panning a
little stays in it, small enough that an object on the screen keeps its size for the model. Sides are steps of the
square root of two and corners lie on a grid of a quarter of the side, so that whoever comes back to a place asks for
the very same square, whose embedding is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .prompts import XYXY

_IN_SIGHT = 0.75
"""Share of the side that what is in sight takes at most. With corners on a grid of a quarter, it always fits in."""

_TOO_LARGE = 2.0
"""How many times the wanted side a known square may have and still be used."""


@dataclass(frozen=True)
class Square:
    """A square with its low corner, in pixels or map units."""

    left: float
    low: float
    side: float

    @property
    def xyxy(self) -> XYXY:
        """Its corners."""
        return (self.left, self.low, self.left + self.side, self.low + self.side)

    def holds(self, xyxy: XYXY) -> bool:
        """Whether all of it lies inside."""
        left, low, right, high = self.xyxy
        return left <= xyxy[0] and low <= xyxy[1] and xyxy[2] <= right and xyxy[3] <= high


def square_for(in_sight_xyxy: XYXY, known: Square | None = None, least: float = 0.0, most: float = math.inf) -> Square:
    """The square to show the model.

    Args:
        in_sight_xyxy: what it has to hold; more than `most` is cut.
        known: the square of before, which is kept as long as it holds all and isn't much too large.
        least: side of the smallest.
        most: side of the largest.
    """
    wanted = side_for(in_sight_xyxy, least, most)
    if (
        known is not None
        and known.holds(in_sight_xyxy)
        and wanted <= known.side * 1.0001 <= _TOO_LARGE * wanted * 1.001
    ):
        return known
    step = wanted / 4
    left, low = (round(((in_sight_xyxy[axis] + in_sight_xyxy[axis + 2] - wanted) / 2) / step) * step for axis in (0, 1))
    return Square(left, low, wanted)


def side_for(in_sight_xyxy: XYXY, least: float = 0.0, most: float = math.inf) -> float:
    """The side that the zoom asks for: a power of the square root of two, in whatever unit."""
    long_side = max(in_sight_xyxy[2] - in_sight_xyxy[0], in_sight_xyxy[3] - in_sight_xyxy[1])
    if not (0 < long_side < math.inf):
        return max(least, min(most, 1.0))
    steps = math.ceil(round(2 * math.log2(long_side / _IN_SIGHT), 6))
    return min(most, max(least, 2.0 ** (steps / 2)))
