"""A polygon with holes told as one ring, for formats that know no holes: a slit of no width leads into each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sam_backend.types import Polygon


def cut_open(polygon: Polygon) -> NDArray[np.float64]:
    """Join all rings into one (n, 2), by slits that are walked there and back.

    Holes run against their exterior, so that the ring encloses what the polygon did, by the even-odd rule and by the
    non-zero one. Where slits cross something changes nothing: they have no area.
    """
    ring_xy = polygon.exterior_xy
    for hole_xy in polygon.holes_xy:
        ring_xy = _joined(ring_xy, hole_xy)
    return ring_xy


def _joined(ring_xy: NDArray[np.float64], hole_xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave the ring where a hole's corner is nearest, go around the hole and come back."""
    distances, nearest = cKDTree(ring_xy).query(hole_xy)
    enter = int(np.argmin(distances))
    leave = int(np.asarray(nearest)[enter])
    around_hole_xy = np.roll(hole_xy, -enter, axis=0)
    return np.concatenate([ring_xy[: leave + 1], around_hole_xy, around_hole_xy[:1], ring_xy[leave:]])
