"""The smallest rectangle around an object, turned as it may be. Image px."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from sam_backend.errors import MaskError

_QUARTER = math.pi / 2


@dataclass(frozen=True, slots=True)
class TurnedBox:
    """A rectangle that was upright and then turned about the corner that had been left and top."""

    corner_xy: tuple[float, float]
    """That corner."""

    size_wh: tuple[float, float]
    """Width and height before the turn."""

    rotation_deg: float
    """Clockwise on the screen."""

    def corners_xy(self) -> NDArray[np.float64]:
        """(4, 2), clockwise on the screen, from ``corner_xy`` on."""
        along, down = turned_axes(math.radians(self.rotation_deg))
        width, height = self.size_wh
        offsets_xy = np.array([0 * along, width * along, width * along + height * down, height * down])
        corners_xy: NDArray[np.float64] = np.array(self.corner_xy) + offsets_xy
        return corners_xy

    def from_next_corner(self) -> TurnedBox:
        """The same rectangle told from its next corner, as one that was turned by 90 degrees more."""
        x, y = self.corners_xy()[1].tolist()
        return TurnedBox(corner_xy=(x, y), size_wh=self.size_wh[::-1], rotation_deg=self.rotation_deg + 90)


def smallest_turned_box(points_xy: NDArray[np.float64]) -> TurnedBox:
    """The rectangle of least area around (n, 2) points, told with a rotation of -45 up to 45 degrees.

    One of its sides lies along a side of the convex hull (Freeman and Shapira 1975), so only those are tried.

    Raises:
        MaskError: the points lie on one line.
    """
    hull = shapely.convex_hull(shapely.multipoints(points_xy))
    if not isinstance(hull, shapely.Polygon):
        raise MaskError(f"{len(points_xy)} points on a line have no area to put a rectangle around: give a ring")
    hull_xy = shapely.get_coordinates(hull)
    sides_xy = np.diff(hull_xy, axis=0)
    boxes = [_box_along(hull_xy, angle) for angle in np.unique(nearest_upright(np.arctan2(*sides_xy.T[::-1])))]
    return min(boxes, key=lambda box: box.size_wh[0] * box.size_wh[1])


def turned_axes(angle: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The unit vectors that point right and down, after a clockwise turn by ``angle`` radians; y points down."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([cos, sin]), np.array([-sin, cos])


def nearest_upright(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add quarter turns until an angle lies between -45 and 45 degrees; in radians."""
    turned: NDArray[np.float64] = (angles + _QUARTER / 2) % _QUARTER - _QUARTER / 2
    return turned


def _box_along(points_xy: NDArray[np.float64], angle: float) -> TurnedBox:
    along, down = turned_axes(angle)
    spans = points_xy @ np.stack([along, down], axis=1)  # (n, 2): how far along, how far down
    (left, top), (width, height) = spans.min(axis=0), np.ptp(spans, axis=0)
    x, y = (left * along + top * down).tolist()
    return TurnedBox(corner_xy=(x, y), size_wh=(float(width), float(height)), rotation_deg=math.degrees(angle))
