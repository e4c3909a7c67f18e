"""From masks placed in the raster to their outlines. Run px, see `TileGrid`: corner origin, x right, y down."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from sam_backend.geo.tiles import PlacedMask
from sam_backend.masks.polygons import mask_to_polygons
from sam_backend.types import Polygon

Polygonal: TypeAlias = shapely.Polygon | shapely.MultiPolygon


def outline_of(placed: PlacedMask, min_hole_px2: float = 0.0, largest_piece_only: bool = True) -> Polygonal:
    """The outline of a mask in run px, exactly along the pixels' edges.

    Pixels that touch by an edge are one piece, those that touch by a corner only are two.

    Args:
        placed: the mask.
        min_hole_px2: smaller holes are filled. For a coverage keep 0: a neighbour may lie in a hole.
        largest_piece_only: leave all pieces but the largest away; the first of equals stays.

    Returns:
        A valid polygon; several pieces as a multipolygon; an empty polygon if nothing is set in the mask.

    Raises:
        MaskError: the mask is no (h, w) array of bool.
    """
    origin_xy = np.array([placed.left_px, placed.top_px], np.float64)
    pieces = mask_to_polygons(placed.mask)  # largest first
    kept = [_place(piece, origin_xy, min_hole_px2) for piece in (pieces[:1] if largest_piece_only else pieces)]
    if len(kept) > 1:
        return shapely.MultiPolygon(kept)
    return kept[0] if kept else shapely.Polygon()


def overlap_iou(one: Polygonal, other: Polygonal) -> float:
    """Intersection over union of two valid outlines; 0 if both are empty."""
    shared: float = shapely.intersection(one, other).area
    union: float = one.area + other.area - shared
    return shared / union if union > 0 else 0.0


def _place(piece: Polygon, origin_xy: NDArray[np.float64], min_hole_px2: float) -> shapely.Polygon:
    holes = [shapely.LinearRing(hole_xy + origin_xy) for hole_xy in piece.holes_xy]
    kept = [hole for hole in holes if shapely.Polygon(hole).area >= min_hole_px2]
    return shapely.Polygon(piece.exterior_xy + origin_xy, kept)
