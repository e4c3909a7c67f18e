"""Regions around the object: ``<Rectangle>``, upright or turned, and ``<Ellipse>``. Turned in pixels, told in percent.

Label Studio wants at most 100 % for corners and sides and at most 50 % for half axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_backend.label_studio.output_options import OutputOptions
from sam_backend.label_studio.shapes.silhouette import Silhouette
from sam_backend.masks.ellipse import ellipse_of_polygons
from sam_backend.masks.turned_box import TurnedBox, smallest_turned_box

_MOST_RADIUS_PCT = 50.0


def rectangle_values(silhouette: Silhouette, options: OutputOptions) -> list[dict[str, Any]]:
    """One rectangle around all wanted parts.

    A turned one is told from a corner that lies in the picture. Where none does, or a side is longer than the picture
    is wide or high (a diagonal of it may be), the upright one answers.
    """
    corners_xy = np.concatenate([part.exterior_xy for part in silhouette.wanted_parts(options.largest_part_only)])
    turned = _turned_values(corners_xy, silhouette) if options.is_rotated else None
    return [turned or _value(_upright_box(corners_xy), silhouette)]


def ellipse_values(silhouette: Silhouette, options: OutputOptions) -> list[dict[str, Any]]:
    """One ellipse with the centre and the spread of all wanted parts together, its half axes cut at 50 %."""
    ellipse = ellipse_of_polygons(silhouette.wanted_parts(options.largest_part_only))
    (x, y), radii_pct = silhouette.to_percent(np.array([ellipse.centre_xy, ellipse.radii_xy]))
    radius_x, radius_y = (min(_MOST_RADIUS_PCT, radius) for radius in radii_pct)
    return [{"x": x, "y": y, "radiusX": radius_x, "radiusY": radius_y, "rotation": _clockwise(ellipse.rotation_deg)}]


def _turned_values(corners_xy: NDArray[np.float64], silhouette: Silhouette) -> dict[str, Any] | None:
    box = smallest_turned_box(corners_xy)
    for _ in range(4):
        value = _value(box, silhouette)
        if all(0 <= value[name] <= 100 for name in ("x", "y", "width", "height")):
            return value
        box = box.from_next_corner()
    return None


def _upright_box(corners_xy: NDArray[np.float64]) -> TurnedBox:
    left, top = corners_xy.min(axis=0).tolist()
    width, height = np.ptp(corners_xy, axis=0).tolist()
    return TurnedBox(corner_xy=(left, top), size_wh=(width, height), rotation_deg=0)


def _value(box: TurnedBox, silhouette: Silhouette) -> dict[str, Any]:
    (x, y), (width, height) = silhouette.to_percent(np.array([box.corner_xy, box.size_wh]))
    return {"x": x, "y": y, "width": width, "height": height, "rotation": _clockwise(box.rotation_deg)}


def _clockwise(rotation_deg: float) -> float:
    """From 0 to 360 degrees, as the editor writes it."""
    return round(rotation_deg % 360, 5) % 360
