"""An object as all shapes are made of it, in px of the picture as the editor knows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

import numpy as np
import shapely
from numpy.typing import NDArray

from sam_backend.label_studio.frame import image_to_percent_xy
from sam_backend.masks.polygons import mask_to_polygons
from sam_backend.types import Polygon

_MOST_PARTS = 20  # a mask of crumbs would bury the editor in regions
_SPECK = 0.01  # of the largest part's area
_DIGITS = 5  # of percent: a hundredth of a pixel in a picture of 100,000


@dataclass(frozen=True, eq=False)
class Silhouette:
    """A mask, and what is derived from it at most once."""

    mask: NDArray[np.bool_]
    """(h, w). True = object; at least one pixel is."""

    @cached_property
    def parts(self) -> list[Polygon]:
        """Its pieces, largest first, at most 20, without specks of less than 1 % of the largest."""
        columns, rows = (np.flatnonzero(self.mask.any(axis=axis)) for axis in (0, 1))
        left, top = int(columns[0]), int(rows[0])
        polygons = mask_to_polygons(self.mask[top : rows[-1] + 1, left : columns[-1] + 1])
        least_area = _SPECK * _area(polygons[0])
        large = takewhile(lambda polygon: _area(polygon) >= least_area, polygons[:_MOST_PARTS])
        return [_moved(polygon, np.array([left, top])) for polygon in large]

    def wanted_parts(self, largest_only: bool) -> list[Polygon]:
        """Its pieces, or the largest of them alone."""
        return self.parts[:1] if largest_only else self.parts

    def to_percent(self, points_xy: NDArray[np.float64]) -> list[list[float]]:
        """(n, 2) px as ``[x, y]`` in percent, rounded so that the JSON stays short."""
        points_pct: list[list[float]] = image_to_percent_xy(points_xy, self.image_hw).round(_DIGITS).tolist()
        return points_pct

    @property
    def image_hw(self) -> tuple[int, int]:
        """Height and width of the picture in px."""
        height, width = self.mask.shape
        return height, width


def _area(polygon: Polygon) -> float:
    return float(shapely.area(shapely.Polygon(polygon.exterior_xy, polygon.holes_xy)))


def _moved(polygon: Polygon, by_xy: NDArray[np.int_]) -> Polygon:
    return Polygon(polygon.exterior_xy + by_xy, tuple(hole_xy + by_xy for hole_xy in polygon.holes_xy))
