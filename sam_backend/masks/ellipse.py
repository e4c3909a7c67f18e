"""The ellipse that lies as an object does: same centre, same second moments. Image px."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import MaskError
from sam_backend.masks.turned_box import nearest_upright
from sam_backend.types import Polygon


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse, turned about its centre."""

    centre_xy: tuple[float, float]

    radii_xy: tuple[float, float]
    """The half axes along x and along y before the turn."""

    rotation_deg: float
    """Clockwise on the screen, from -45 to 45."""


def ellipse_of_polygons(polygons: Sequence[Polygon]) -> Ellipse:
    """Fit an ellipse to what polygons enclose together, holes left out; a filled ellipse gives itself.

    Along each of its half axes r an ellipse has the variance r² / 4.

    Raises:
        MaskError: there is none, or they enclose nothing.
    """
    rings_xy = [ring for polygon in polygons for ring in (polygon.exterior_xy, *polygon.holes_xy)]
    if not rings_xy:
        raise MaskError("no polygon came to fit an ellipse to: give at least one")
    origin_xy = rings_xy[0].mean(axis=0)  # near by, so that no digits are lost
    moments = [_moments(ring_xy - origin_xy) for ring_xy in rings_xy]
    area, first, second = (np.sum(column, axis=0) for column in zip(*moments, strict=True))
    if not area:
        raise MaskError("the polygons enclose no area to fit an ellipse to: give rings around pixels")
    centre_xy = first / area
    variances, axes = np.linalg.eigh(second / area - np.outer(centre_xy, centre_xy))
    return _told_upright(origin_xy + centre_xy, radii=2 * np.sqrt(variances.clip(0)), axes=axes)


def _moments(ring_xy: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Area, (2,) and (2, 2) moments of what a ring encloses, by Green's theorem; all negative the other way around."""
    start, end = ring_xy, np.roll(ring_xy, -1, axis=0)
    cross = start[:, 0] * end[:, 1] - end[:, 0] * start[:, 1]  # (n,) twice the triangles with the origin
    first = cross @ (start + end) / 6
    weighted_sum = (start + end) * cross[:, None]
    second = (weighted_sum.T @ (start + end) + (start * cross[:, None]).T @ start + (end * cross[:, None]).T @ end) / 24
    return float(cross.sum() / 2), first, second


def _told_upright(centre_xy: NDArray[np.float64], radii: NDArray[np.float64], axes: NDArray[np.float64]) -> Ellipse:
    """Name the axis nearer to the horizontal first."""
    first = int(np.argmax(np.abs(axes[0])))  # axes are the columns
    angle = float(nearest_upright(np.arctan2(axes[1, first : first + 1], axes[0, first : first + 1]))[0])
    x, y = centre_xy.tolist()
    return Ellipse((x, y), (float(radii[first]), float(radii[1 - first])), math.degrees(angle))
