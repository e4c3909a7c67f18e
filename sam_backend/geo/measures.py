"""Areas and lengths on the ground, measured on the ellipsoid of the raster's CRS (Karney, 2013)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj.exceptions import ProjError
from rasterio.crs import CRS

from sam_backend.geo.frame import pixel_to_map_xy


@dataclass(frozen=True, slots=True)
class GroundSize:
    """How large an outline is on the ground."""

    area_m2: float
    """Without the holes."""

    perimeter_m: float
    """Of the exteriors and the holes."""


class GroundRuler:
    """Measures what is given in the coordinates of one CRS: of degrees, feet or metres, with or without a code."""

    def __init__(self, crs: CRS) -> None:
        """Get ready.

        Raises:
            ValueError: the CRS has no ellipsoid, e.g. as it is local; see `ground_ruler`.
        """
        map_crs = pyproj.CRS.from_wkt(crs.to_wkt(version="WKT2_2019"))
        geodetic_crs = _on_the_ellipsoid(map_crs)
        geod = map_crs.get_geod()
        if geodetic_crs is None or geod is None:
            raise ValueError("a CRS without an ellipsoid measures nothing on the ground")
        self._geod = geod
        self._to_geodetic = pyproj.Transformer.from_crs(map_crs, geodetic_crs, always_xy=True)
        self._rad_per_unit = geodetic_crs.axis_info[0].unit_conversion_factor  # degrees as a rule, but also grads

    def measure(self, outlines: Iterable[shapely.Geometry]) -> list[GroundSize]:
        """The sizes of polygons and multipolygons, given in map coordinates.

        Sides are taken for the shortest ways between corners. Far beyond where the CRS is good for, they are nan.
        """
        return [self._size(rings_deg) for rings_deg in self._rings_deg(_oriented(outlines))]

    def pixel_areas_m2(self, transform: Affine, centres_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """What pixels cover at some places of a raster: for sizes in m2 that are to be used as pixels there.

        Args:
            transform: from pixels to map coordinates.
            centres_xy: (n, 2) in pixels.

        Returns:
            (n,); nan far beyond where the CRS is good for.
        """
        corners_xy = centres_xy[:, None] + np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
        pixels = shapely.polygons(pixel_to_map_xy(corners_xy, transform))
        return np.array([size.area_m2 for size in self.measure(pixels)])

    def _rings_deg(self, outlines: NDArray[np.object_]) -> list[list[NDArray[np.float64]]]:
        """For each outline its rings (n, 2): first all exteriors and holes of its first piece."""
        pieces, piece_outline = shapely.get_parts(outlines, return_index=True)
        rings, ring_piece = shapely.get_rings(pieces, return_index=True)
        xy, point_ring = shapely.get_coordinates(rings, return_index=True)
        lon_lat = np.column_stack(self._to_geodetic.transform(xy[:, 0], xy[:, 1])) * self._rad_per_unit
        by_ring = np.split(np.degrees(lon_lat), np.flatnonzero(np.diff(point_ring)) + 1) if len(rings) else []
        by_outline: list[list[NDArray[np.float64]]] = [[] for _ in outlines]
        for ring_deg, piece in zip(by_ring, ring_piece, strict=True):
            by_outline[piece_outline[piece]].append(ring_deg)
        return by_outline

    def _size(self, rings_deg: list[NDArray[np.float64]]) -> GroundSize:
        area_m2, perimeter_m = 0.0, 0.0
        for ring_deg in rings_deg:
            signed_m2, length_m = self._geod.polygon_area_perimeter(ring_deg[:, 0], ring_deg[:, 1])
            area_m2 += signed_m2  # exteriors one way around, holes the other
            perimeter_m += length_m
        return GroundSize(abs(area_m2), perimeter_m)


def ground_ruler(crs: CRS | None) -> GroundRuler | None:
    """A ruler for a CRS; None where there is none, or none that knows the earth."""
    if crs is None:
        return None
    try:
        return GroundRuler(crs)
    except (ProjError, ValueError):
        return None


def _oriented(outlines: Iterable[shapely.Geometry]) -> NDArray[np.object_]:
    """With all exteriors one way around and all holes the other, so that signed areas add up."""
    oriented: NDArray[np.object_] = shapely.orient_polygons(np.array(list(outlines), np.object_))
    return oriented


def _on_the_ellipsoid(crs: pyproj.CRS) -> pyproj.CRS | None:
    """Plain latitudes and longitudes of the same ellipsoid; no shift of datum, so no grid files are needed."""
    geodetic = crs.geodetic_crs
    while geodetic is not None and geodetic.is_derived:  # a rotated pole has degrees, but not of the ellipsoid
        geodetic = geodetic.source_crs
    return geodetic
