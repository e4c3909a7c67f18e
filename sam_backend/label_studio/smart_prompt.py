"""The regions a person drew as prompts ("smart" key points and rectangles), made into objects' prompts.

Only types known here count; every other region (brush, polygon, choices, ...) is passed over. One request is about
one label on one picture: if its regions differ in that, the last region decides and the others are passed over. What
is left are key points, which mean one object together, or rectangles, which mean one object each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_backend.label_studio.frame import percent_to_image_xy, rectangle_pct_bounds
from sam_backend.types import Prompts

_POINT_TYPES = ("keypointlabels", "keypoint")
_RECTANGLE_TYPES = ("rectanglelabels", "rectangle")


@dataclass(frozen=True, slots=True)
class PointPct:
    """A key point, in percent of width and height."""

    x_pct: float
    y_pct: float
    is_foreground: bool
    """False where Alt was held: "not this"."""

    item_id: str | None = field(default=None, compare=False)
    """The id of its region in the editor."""


@dataclass(frozen=True, slots=True)
class RectanglePct:
    """A rectangle, in percent of width and height, turned about its own first corner."""

    x_pct: float
    y_pct: float
    width_pct: float
    height_pct: float
    rotation_deg: float
    """Clockwise."""

    item_id: str | None = field(default=None, compare=False)
    """The id of its region in the editor."""

    def holds(self, point: PointPct, original_hw: tuple[int, int]) -> bool:
        """Whether the upright box around it holds the point."""
        left, top, right, bottom = self.bounds_pct(original_hw)
        return bool(left <= point.x_pct <= right and top <= point.y_pct <= bottom)

    def bounds_pct(self, original_hw: tuple[int, int]) -> NDArray[np.float64]:
        """(4,) left, top, right, bottom of the upright box around it; ``original_hw`` as the editor knows it, in px."""
        return rectangle_pct_bounds(
            corner_pct=np.array([self.x_pct, self.y_pct]),
            size_pct=np.array([self.width_pct, self.height_pct]),
            rotation_deg=self.rotation_deg,
            original_hw=original_hw,
        )


@dataclass(frozen=True, slots=True)
class SmartPrompt:
    """What a person pointed at to name one object, as the editor sent it."""

    to_name: str
    """The picture's name in the labeling config."""

    label: str | None
    """The label picked in the editor; None where the config has no labels."""

    original_hw: tuple[int, int] | None
    """The picture's size in px as the editor sees it, and so the size of the mask it wants."""

    image_rotation: int | float
    """The editor's view was turned by this; coordinates and masks are not. To be echoed."""

    item_index: int | None
    """Which picture of a list it is, to be echoed; None where there is no list."""

    points: tuple[PointPct, ...]
    """Oldest first."""

    rectangle: RectanglePct | None
    """At most one: each is an object of its own."""

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Ids of its regions in the editor."""
        ids = [point.item_id for point in self.points] + [self.rectangle.item_id if self.rectangle else None]
        return tuple(one for one in ids if one is not None)

    def to_prompts(self, image_hw: tuple[int, int]) -> Prompts | None:
        """Put the prompts into image px of a picture of this size; None if nothing usable is left.

        What lies outside is moved to the edge. Clicks that only say "not this" name no object, nor does a rectangle
        without area.
        """
        box_xyxy = self._box_xyxy(image_hw)
        if box_xyxy is None and not any(point.is_foreground for point in self.points):
            return None
        points_pct = np.array([(point.x_pct, point.y_pct) for point in self.points]).reshape(-1, 2).clip(0, 100)
        return Prompts(
            points_xy=percent_to_image_xy(points_pct, image_hw).astype(np.float32),
            is_foreground=np.array([point.is_foreground for point in self.points], np.bool_),
            box_xyxy=None if box_xyxy is None else np.array(box_xyxy, np.float32),
        )

    def _box_xyxy(self, image_hw: tuple[int, int]) -> list[float] | None:
        if self.rectangle is None:
            return None
        bounds_pct = self.rectangle.bounds_pct(self.original_hw or image_hw).clip(0, 100)
        corners_xy = percent_to_image_xy(bounds_pct.reshape(2, 2), image_hw).astype(np.float32)
        has_area = bool((corners_xy[1] > corners_xy[0]).all())
        return corners_xy.ravel().tolist() if has_area else None


def parse_smart_prompt(items: Sequence[dict[str, Any]]) -> SmartPrompt | None:
    """Read the prompts of the newest object out of ``context.result``; None if there is none, as below."""
    return next(reversed(parse_smart_prompts(items)), None)


def parse_smart_prompts(items: Sequence[dict[str, Any]]) -> tuple[SmartPrompt, ...]:
    """Read the prompts of every object out of ``context.result``, oldest first.

    None if no usable key point or rectangle is among them. A new answer takes the suggestions of the last one away, so
    each rectangle still there is answered again. Key points beside rectangles (the editor never sends both) belong to
    the newest rectangle that holds them, or to the newest of all.
    """
    labels_by_id = {item["id"]: label for item in items if isinstance(item.get("id"), str) and (label := _label(item))}
    drawn = [
        (item, shape, _label(item) or labels_by_id.get(_text(item.get("id"))))
        for item in _without_doubles(items)
        if (shape := _shape(item)) is not None
    ]
    if not drawn:
        return ()
    newest, _, label = drawn[-1]
    shapes = [shape for item, shape, its_label in drawn if (its_label, _place(item)) == (label, _place(newest))]
    together = SmartPrompt(
        to_name=_text(newest.get("to_name")),
        label=label,
        original_hw=_original_hw(newest),
        image_rotation=_number(newest.get("image_rotation")) or 0,
        item_index=_item_index(newest),
        points=tuple(shape for shape in shapes if isinstance(shape, PointPct)),
        rectangle=None,
    )
    return _by_rectangle(together, [shape for shape in shapes if isinstance(shape, RectanglePct)])


def _by_rectangle(together: SmartPrompt, rectangles: list[RectanglePct]) -> tuple[SmartPrompt, ...]:
    if not rectangles:
        return (together,)
    points_by_rectangle: list[list[PointPct]] = [[] for _ in rectangles]
    for point in together.points:
        holding = [
            n for n, rectangle in enumerate(rectangles) if rectangle.holds(point, together.original_hw or (1, 1))
        ]
        points_by_rectangle[holding[-1] if holding else -1].append(point)
    return tuple(
        replace(together, points=tuple(points), rectangle=rectangle)
        for points, rectangle in zip(points_by_rectangle, rectangles, strict=True)
    )


def _without_doubles(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One region per id: the unified ``<Labels>`` palette sends each region again as a carrier of its label."""
    shapes = [item for item in items if item.get("type") in _POINT_TYPES + _RECTANGLE_TYPES]
    return list({_text(item.get("id")) or index: item for index, item in enumerate(shapes)}.values())


def _shape(item: dict[str, Any]) -> PointPct | RectanglePct | None:
    value = item.get("value")
    if not isinstance(value, dict):
        return None
    x_pct, y_pct = _number(value.get("x")), _number(value.get("y"))
    if x_pct is None or y_pct is None:
        return None
    if item["type"] in _POINT_TYPES:
        return PointPct(x_pct, y_pct, is_foreground=item.get("is_positive") is not False, item_id=_id(item))
    width_pct, height_pct = _number(value.get("width")), _number(value.get("height"))
    if width_pct is None or height_pct is None:
        return None
    rotation_deg = _number(value.get("rotation")) or 0.0
    return RectanglePct(x_pct, y_pct, width_pct, height_pct, rotation_deg, item_id=_id(item))


def _id(item: dict[str, Any]) -> str | None:
    return _text(item.get("id")) or None


def _label(item: dict[str, Any]) -> str | None:
    value = item.get("value")
    if not isinstance(value, dict):
        return None
    for key in (_text(item.get("type")), "labels"):
        labels = value.get(key)
        if isinstance(labels, list) and labels and isinstance(labels[0], str):
            return labels[0]
    return None


def _place(item: dict[str, Any]) -> tuple[str, int | None]:
    return _text(item.get("to_name")), _item_index(item)


def _item_index(item: dict[str, Any]) -> int | None:
    index = item.get("item_index")
    return index if isinstance(index, int) and not isinstance(index, bool) else None


def _original_hw(item: dict[str, Any]) -> tuple[int, int] | None:
    height, width = (_number(item.get(name)) for name in ("original_height", "original_width"))
    if height is None or width is None or height < 1 or width < 1:
        return None
    return int(height), int(width)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if abs(value) > 1e9 or not math.isfinite(value):  # a whole number too large for a float fails the first test
        return None
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
