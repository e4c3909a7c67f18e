"""Masks as polygons along the pixels' edges, and back.

Image px throughout: x right, y down, (0, 0) the outer corner of the top-left pixel, so the outline of the pixel in
row 2, column 5 has the corners (5, 2) and (6, 3). On the screen exteriors run counter-clockwise and holes clockwise;
with a north-up georeference, which turns y around, that is the order of GeoJSON (RFC 7946).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import shapely
import shapely.geometry
from numpy.typing import NDArray
from rasterio import features

from sam_backend.errors import MaskError
from sam_backend.masks.check import check_mask, checked_hw
from sam_backend.types import Polygon


def mask_to_polygons(mask: NDArray[np.bool_]) -> list[Polygon]:
    """Outline a (h, w) mask, True = object, exactly along the pixels' edges.

    Pixels that touch by an edge belong to one polygon, those that touch by a corner only to two. Polygons are valid,
    have holes, and come largest area first; an empty mask gives none.

    Raises:
        MaskError: ``mask`` is no (h, w) array of bool.
    """
    check_mask(mask)
    outlines = features.shapes(mask.astype(np.uint8), mask=mask, connectivity=4)
    pieces = _on_screen_ccw([shapely.geometry.shape(geometry) for geometry, _ in outlines])
    largest_first = np.argsort(-shapely.area(pieces), kind="stable")
    return [_from_shapely(pieces[index]) for index in largest_first]


def polygons_to_mask(polygons: Sequence[Polygon], image_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Fill polygons: a mask (h, w), True where a pixel's centre lies in one of them and not in its holes.

    The inverse of ``mask_to_polygons``. What lies outside the picture is left away.

    Raises:
        MaskError: ``image_hw`` is no height and width, or a ring has fewer than 3 corners or isn't finite.
    """
    h, w = checked_hw(image_hw)
    if not polygons:
        return np.zeros((h, w), np.bool_)
    geometries = [shapely.geometry.mapping(_to_shapely(polygon)) for polygon in polygons]
    filled: NDArray[np.uint8] = features.rasterize(geometries, out_shape=(h, w), dtype=np.uint8)
    return filled > 0


def simplify_polygon(polygon: Polygon, tolerance_px: float) -> Polygon:
    """Drop corners while the outline stays within ``tolerance_px`` of what it was.

    Holes stay, and every ring keeps at least 3 corners. Polygons simplified one by one may overlap their neighbours.

    Raises:
        MaskError: the tolerance is negative or not finite, or a ring has fewer than 3 corners or isn't finite.
    """
    if not (math.isfinite(tolerance_px) and tolerance_px >= 0):
        raise MaskError(f"a tolerance is a finite number of pixels, 0 or more, got {tolerance_px}")
    simplified = shapely.simplify(_to_shapely(polygon), tolerance_px, preserve_topology=True)
    return _from_shapely(_on_screen_ccw([simplified])[0])


def _on_screen_ccw(pieces: list[shapely.Polygon]) -> NDArray[np.object_]:
    # shapely thinks of y as up, so what it calls clockwise is counter-clockwise on the screen
    oriented: NDArray[np.object_] = shapely.orient_polygons(np.array(pieces, np.object_), exterior_cw=True)
    return oriented


def _from_shapely(polygon: shapely.Polygon) -> Polygon:
    exterior, *holes = (shapely.get_coordinates(ring)[:-1] for ring in (polygon.exterior, *polygon.interiors))
    return Polygon(exterior_xy=exterior, holes_xy=tuple(holes))


def _to_shapely(polygon: Polygon) -> shapely.Polygon:
    for ring_xy in (polygon.exterior_xy, *polygon.holes_xy):
        _check_ring(ring_xy)
    return shapely.Polygon(polygon.exterior_xy, polygon.holes_xy)


def _check_ring(ring_xy: NDArray[np.float64]) -> None:
    if ring_xy.ndim != 2 or ring_xy.shape[1] != 2 or len(ring_xy) < 3:
        raise MaskError(f"a polygon's ring needs 3 corners or more, as an array (n, 2), got the shape {ring_xy.shape}")
    if not np.isfinite(ring_xy).all():
        raise MaskError("a polygon's ring needs finite coordinates, got NaN or infinity in it")
