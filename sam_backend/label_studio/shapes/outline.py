"""Regions of corners: ``<Polygon>`` and ``<Vector>``. Neither knows holes, and each is one ring: a region a part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sam_backend.label_studio.output_options import OutputOptions
from sam_backend.label_studio.shapes.silhouette import Silhouette
from sam_backend.masks.one_ring import cut_open
from sam_backend.masks.outline import faithful_outline
from sam_backend.types import Polygon


def polygon_values(silhouette: Silhouette, options: OutputOptions) -> list[dict[str, Any]]:
    """A closed polygon for each part, largest first."""
    return [{"points": ring_pct, "closed": True} for ring_pct in _rings_pct(silhouette, options)]


def vector_values(silhouette: Silhouette, options: OutputOptions) -> list[dict[str, Any]]:
    """A closed vector of straight lines for each part, largest first."""
    return [{"vertices": _vertices(ring_pct), "closed": True} for ring_pct in _rings_pct(silhouette, options)]


def _rings_pct(silhouette: Silhouette, options: OutputOptions) -> Iterator[list[list[float]]]:
    for part in silhouette.wanted_parts(options.largest_part_only):
        whole = part if options.cuts_holes else Polygon(part.exterior_xy)
        yield silhouette.to_percent(cut_open(faithful_outline(whole, options.simplify_px)))


def _vertices(ring_pct: list[list[float]]) -> list[dict[str, Any]]:
    return [
        {"id": f"v{index}", "x": x, "y": y, "isBezier": False, "prevPointId": f"v{index - 1}" if index else None}
        for index, (x, y) in enumerate(ring_pct)
    ]
