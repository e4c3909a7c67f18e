"""An outline with few corners that still tells the object from its surroundings, however small it is. Image px."""

from __future__ import annotations

import shapely

from sam_backend.masks.polygons import simplify_polygon
from sam_backend.types import Polygon

_SHARE_KEPT = 0.985
"""The least IoU with the outline before; the rest up to 98 % is for drawing it on pixels again."""

_FINEST_PX = 0.2  # less takes no corner from a staircase of pixels


def faithful_outline(polygon: Polygon, tolerance_px: float) -> Polygon:
    """Drop corners within ``tolerance_px``, or within less: half of it, and half again, until the IoU is 98.5 %.

    A pixel is little to a large object and much to one of ten pixels. Holes stay.

    Raises:
        MaskError: as ``simplify_polygon``.
    """
    outline = simplify_polygon(polygon, tolerance_px)
    while tolerance_px > _FINEST_PX and _iou(polygon, outline) < _SHARE_KEPT:
        tolerance_px /= 2
        outline = simplify_polygon(polygon, tolerance_px if tolerance_px > _FINEST_PX else 0)
    return outline


def _iou(polygon: Polygon, other: Polygon) -> float:
    first, second = (shapely.Polygon(each.exterior_xy, each.holes_xy) for each in (polygon, other))
    shared = shapely.area(shapely.intersection(first, second))
    return float(shared / (shapely.area(first) + shapely.area(second) - shared))
