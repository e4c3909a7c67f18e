"""Regions as the editor stores them, answers and annotations to make ledgers of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_backend.masks.rle_brush import encode_brush_rle
from sam_backend.service.ledger.answered import AnsweredClick, ClickedObject

HW = (60, 80)
Json = dict[str, Any]


def square(left: int, top: int, side: int = 20) -> NDArray[np.bool_]:
    mask = np.zeros(HW, np.bool_)
    mask[top : top + side, left : left + side] = True
    return mask


def region(its_id: str, value: Json, kind: str, tag: str = "mask", label: str | None = "Cell") -> Json:
    height, width = HW
    return {
        "id": its_id,
        "from_name": tag,
        "to_name": "image",
        "type": kind,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "score": 0.75,
        "value": value | ({} if label is None else {kind: [label]}),
    }


def brush(its_id: str, mask: NDArray[np.bool_], **how: Any) -> Json:  # noqa: ANN401 - of `region`
    return region(its_id, {"format": "rle", "rle": encode_brush_rle(mask)}, "brushlabels", **how)


def rectangle(its_id: str, x: float = 10, y: float = 10, width: float = 20, height: float = 20, **how: Any) -> Json:  # noqa: ANN401
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0}
    return region(its_id, value, "rectanglelabels", tag="box", **how)


def polygon(its_id: str, *points_pct: tuple[float, float], **how: Any) -> Json:  # noqa: ANN401 - of `region`
    value = {"points": [list(point) for point in points_pct], "closed": True}
    return region(its_id, value, "polygonlabels", **how)


def click(*regions: Json, at_s: float = 1000.0, n_prompts: int = 1, task: int = 7, **about: object) -> AnsweredClick:
    """One answered click on one object, with all its regions."""
    its_id = str(regions[0]["id"]).split("-")[0]
    usual: Json = {"label": "Cell", "prompt_ids": (f"p{its_id}",), "drawn": n_prompts, "is_refined": n_prompts > 1}
    one = ClickedObject(region_id=its_id, n_prompts=n_prompts, **(usual | about))
    return AnsweredClick("3.1795", task, (one,), regions, "tiny-1", at_s)


def annotation(its_id: int, regions: Sequence[Json], updated_at: str = "2026-01-01", **more: object) -> Json:
    return {
        "id": its_id,
        "project": 3,
        "task": 7,
        "updated_at": updated_at,
        "lead_time": 12.5,
        "was_cancelled": False,
        "result": list(regions),
        **more,
    }
