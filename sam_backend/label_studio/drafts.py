"""What a request tells of its sender: the draft, which is always their own, and the regions in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely

from sam_backend.errors import SamBackendError
from sam_backend.label_studio.frame import percent_to_image_xy, rectangle_pct_bounds
from sam_backend.label_studio.session import Click, lies_in
from sam_backend.masks.rle_brush import decode_brush_rle

_MOST_BRUSH_PX = 50_000_000
"""Decoded for one question; 24 megapixels take some 50 ms."""


@dataclass(frozen=True, slots=True)
class Draft:
    """All drafts of a task's request together: they are of one person."""

    user: str | None
    """Their address; None before the first draft is saved, some seconds after the first region."""

    regions: tuple[dict[str, Any], ...]

    saved_at_s: float | None = None
    """When the newest was saved last, by Label Studio's clock: seconds since 1970. None if none tells."""

    @property
    def region_ids(self) -> frozenset[str]:
        """Of all regions in it; where one object came in several shapes, also the id before the first dash."""
        ids = {region["id"] for region in self.regions if isinstance(region.get("id"), str)}
        return frozenset(ids | {one.split("-")[0] for one in ids})

    def holds(self, click: Click, image_hw: tuple[int, int], *, but_of: Collection[str] = ()) -> bool:
        """Whether a click lies in one of the regions.

        Args:
            click: in image px.
            image_hw: of the picture.
            but_of: ids of the regions that don't count: an object's own, and those of its prompts.
        """
        others = (region for region in self.regions if not any(_is_of(region, one) for one in but_of))
        return any(_holds(region, click, image_hw) for region in _affordable(others))


def read_draft(drafts: Sequence[dict[str, Any]]) -> Draft:
    """Read the ``drafts`` of a task."""
    users = [draft["user"] for draft in drafts if isinstance(draft.get("user"), str)]
    results = [draft["result"] for draft in drafts if isinstance(draft.get("result"), list)]
    regions = tuple(region for result in results for region in result if isinstance(region, dict))
    times = [saved_s for draft in drafts if (saved_s := _saved_at_s(draft)) is not None]
    return Draft(user=users[-1] if users else None, regions=regions, saved_at_s=max(times, default=None))


def _saved_at_s(draft: dict[str, Any]) -> float | None:
    try:
        saved = datetime.fromisoformat(draft["updated_at"].replace("Z", "+00:00"))  # Python 3.10 knows no Z
    except (KeyError, AttributeError, ValueError):
        return None
    return None if saved.tzinfo is None else saved.timestamp()


def _is_of(region: dict[str, Any], region_id: str) -> bool:
    its_id = region.get("id")
    return isinstance(its_id, str) and (its_id == region_id or its_id.startswith(region_id + "-"))


def _affordable(regions: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All but the brush masks that would take too long."""
    left_px = _MOST_BRUSH_PX
    for region in regions:
        if "rle" in (_value(region) or {}):
            left_px -= _size_px(region)
            if left_px < 0:
                continue
        yield region


def _holds(region: dict[str, Any], click: Click, image_hw: tuple[int, int]) -> bool:
    """False for kinds of regions that aren't known here, and for damaged ones."""
    value = _value(region)
    try:
        if value is None:
            return False
        if "rle" in value:
            return _in_brush(region, value["rle"], click, image_hw)
        if "points" in value:
            return _in_polygon(value["points"], click, image_hw)
        if {"x", "y", "width", "height"} <= value.keys():
            return _in_rectangle(value, click, image_hw)
    except (SamBackendError, shapely.errors.ShapelyError, ValueError, TypeError, KeyError):
        return False
    return False


def _in_brush(region: dict[str, Any], rle: Any, click: Click, image_hw: tuple[int, int]) -> bool:  # noqa: ANN401 - JSON
    original_hw = int(region["original_height"]), int(region["original_width"])
    mask = decode_brush_rle(rle, original_hw)
    scale_y, scale_x = original_hw[0] / image_hw[0], original_hw[1] / image_hw[1]
    return lies_in(mask, Click(click.x_px * scale_x, click.y_px * scale_y, click.is_foreground))


def _in_polygon(points_pct: Any, click: Click, image_hw: tuple[int, int]) -> bool:  # noqa: ANN401 - JSON
    ring_xy = percent_to_image_xy(np.array(points_pct, np.float64), image_hw)
    return bool(shapely.intersects_xy(shapely.polygons(ring_xy), click.x_px, click.y_px))


def _in_rectangle(value: dict[str, Any], click: Click, image_hw: tuple[int, int]) -> bool:
    bounds_pct = rectangle_pct_bounds(
        corner_pct=np.array([value["x"], value["y"]], np.float64),
        size_pct=np.array([value["width"], value["height"]], np.float64),
        rotation_deg=float(value.get("rotation") or 0),
        original_hw=image_hw,
    )
    (left, top), (right, bottom) = percent_to_image_xy(bounds_pct.reshape(2, 2), image_hw).tolist()
    return bool(left <= click.x_px < right and top <= click.y_px < bottom)


def _value(region: dict[str, Any]) -> dict[str, Any] | None:
    value = region.get("value")
    return value if isinstance(value, dict) else None


def _size_px(region: dict[str, Any]) -> int:
    height, width = region.get("original_height"), region.get("original_width")
    return height * width if isinstance(height, int) and isinstance(width, int) else 0
