"""The crossing between a raster's pixels and its map coordinates."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray


def pixel_to_map_xy(xy: NDArray[np.float64], transform: Affine) -> NDArray[np.float64]:
    """Map (..., 2) pixel coordinates (x right, y down, corner origin) to the CRS of the raster."""
    x, y = xy[..., 0], xy[..., 1]
    return np.stack(
        [transform.a * x + transform.b * y + transform.c, transform.d * x + transform.e * y + transform.f], axis=-1
    )


def map_to_pixel_xy(xy: NDArray[np.float64], transform: Affine) -> NDArray[np.float64]:
    """Map (..., 2) coordinates in the CRS of the raster to its pixels."""
    return pixel_to_map_xy(xy, ~transform)


def map_to_pixel_xyxy(box_xyxy: NDArray[np.float64], transform: Affine) -> NDArray[np.float64]:
    """The pixel box around a map box (4,): right for south-up and rotated rasters, too."""
    x0, y0, x1, y1 = box_xyxy
    corners_xy = map_to_pixel_xy(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64), transform)
    return np.concatenate([corners_xy.min(axis=0), corners_xy.max(axis=0)])


def outlines_to_map(outlines: Iterable[shapely.Geometry], transform: Affine) -> NDArray[np.object_]:
    """Geometries (n,) in the CRS of the raster, exteriors counter-clockwise, holes clockwise (RFC 7946).

    Args:
        outlines: in pixels.
        transform: from those pixels to map coordinates; may be rotated, sheared or south-up.
    """
    placed = shapely.transform(np.array(list(outlines), np.object_), lambda xy: pixel_to_map_xy(xy, transform))
    oriented: NDArray[np.object_] = shapely.orient_polygons(placed)
    return oriented
