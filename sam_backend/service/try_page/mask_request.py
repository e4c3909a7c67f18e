"""What a click sends: JSON in, prompts out. Pure."""

from __future__ import annotations

from sam_backend.errors import RequestError
from sam_backend.service.try_page.low_res_png import decode_low_res
from sam_backend.types import Prompts

_MOST_PX = 1_000_000
"""Beyond any picture; such numbers don't reach numpy, where large ones overflow."""


def parse_mask_request(body: object, max_points: int) -> Prompts:
    """Read ``{"points": [[x, y], ...], "labels": [1, 0, ...], "box": [x0, y0, x1, y1], "previous": "..."}``.

    All in image px; every key may be missing or null, but something has to be there. A label is 1 for "this is the
    object", 0 for "not this"; ``previous`` is the ``low_res`` of the mask to be refined.

    Raises:
        RequestError: the JSON has another form, or more than ``max_points``.
        PromptError: there is no prompt, or the box has no area.
    """
    if not isinstance(body, dict):
        raise RequestError("a JSON object was wanted, with 'points' and 'labels', or a 'box'")
    points = [_numbers(point, 2, "a point") for point in _list(body, "points", max_points)]
    labels = [_label(label) for label in _list(body, "labels", max_points)]
    if len(points) != len(labels):
        raise RequestError(f"each point needs one label, got {len(points)} points and {len(labels)} labels")
    box, previous = body.get("box"), body.get("previous")
    if not isinstance(previous, str | None):
        raise RequestError("'previous' is a text: the 'low_res' of a mask as it came")
    return Prompts.of(
        points=[(x, y, label) for (x, y), label in zip(points, labels, strict=True)],
        box_xyxy=None if box is None else _numbers(box, 4, "a box"),
        mask_logits=None if previous is None else decode_low_res(previous),
    )


def is_ambiguous(prompts: Prompts) -> bool:
    """One click may mean the whole, a part or a sub-part (the paper's section 3); more than that says which."""
    return len(prompts.points_xy) == 1 and prompts.box_xyxy is None and prompts.mask_logits is None


def _list(body: dict[str, object], key: str, n_most: int) -> list[object]:
    values = body.get(key)
    if values is None:
        return []
    if not isinstance(values, list):
        raise RequestError(f"'{key}' is a list")
    if len(values) > n_most:
        raise RequestError(f"an object may have {n_most} points, got {len(values)}: keep it and begin another")
    return values


def _numbers(values: object, n: int, what: str) -> list[float]:
    if not isinstance(values, list) or len(values) != n or not all(map(_is_number, values)):
        raise RequestError(f"{what} is a list of {n} numbers in pixels of the picture")
    return [float(value) for value in values]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MOST_PX


def _label(value: object) -> bool:
    if not isinstance(value, int) or value not in (0, 1):
        raise RequestError("a label is 1 for a point on the object, 0 for a point beside it")
    return bool(value)
