"""Fewer corners for many outlines at once, whose shared borders stay shared: no gaps, no overlaps. Run px."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from sam_backend.errors import MaskError
from sam_backend.geo.outlines import Polygonal
from sam_backend.geo.simplify import check_tolerance

TOLERANCE_PX = 2.0
"""On a mosaic of 25 parcels: a fifth of the corners, no gaps, no overlaps, mean IoU 0.991, nowhere over 1.4 px off.

The same parcels simplified one by one at 2 px leave 1,596 px of gaps and 2,563 px of overlaps.
"""


def simplify_coverage(outlines: Sequence[Polygonal], tolerance_px: float = TOLERANCE_PX) -> NDArray[np.object_]:
    """Simplify outlines that don't overlap so that they still don't, and still meet where they met.

    Outlines along the pixels' edges have corners only where they turn, so three that meet in a T don't share a corner.
    Cut into steps of one pixel they do, which makes them a coverage that GEOS can simplify (Visvalingam & Whyatt, 1993,
    on each border between two junctions).

    All outlines are in memory at the same time: 200 bytes for each px of their length (2 million px: 0.4 GB and
    40 s of one core).

    Args:
        outlines: (n,) valid, along the pixels' edges, run px, no two overlapping; unfilled holes (see `outline_of`).
        tolerance_px: the side of the square as large as the smallest triangle that a corner may cut off.

    Returns:
        (n,) the simplified outlines in the same order: a valid coverage.

    Raises:
        MaskError: outlines overlap, or don't run along the pixels' edges.
        OptionsError: the tolerance is negative or not finite.
    """
    check_tolerance(tolerance_px)
    stepwise = shapely.transform(shapely.segmentize(np.array(list(outlines), np.object_), 1.0), _on_pixel_corners)
    _require_coverage(stepwise)
    simplified: NDArray[np.object_] = shapely.coverage_simplify(stepwise, tolerance_px)
    _require_coverage(simplified)
    return simplified


def _on_pixel_corners(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Steps along edges of different lengths differ in the last bit, which is enough not to meet."""
    corners_xy: NDArray[np.float64] = np.round(xy)
    if not np.allclose(corners_xy, xy, rtol=0, atol=1e-6):
        raise MaskError("a coverage is made of outlines along the pixels' edges, got corners inside of pixels")
    return corners_xy


def _require_coverage(outlines: NDArray[np.object_]) -> None:
    if outlines.size and not shapely.coverage_is_valid(outlines):
        bad = np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(outlines)))
        raise MaskError(
            f"{len(bad)} of {len(outlines)} outlines overlap others or don't meet them corner to corner (the first is"
            f" number {bad[0]}), so they make no coverage: give masks without overlaps, outlined along the pixels'"
            " edges with all their holes"
        )
