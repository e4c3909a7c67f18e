"""Bodies of ``/predict`` as Label Studio sends them, with generated pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CONFIG = (
    '<View><Image name="image" value="$image"/>'
    '<BrushLabels name="brush" toName="image"><Label value="Object"/></BrushLabels>'
    '<KeyPointLabels name="point" toName="image" smart="true"><Label value="Object" smart="true"/></KeyPointLabels>'
    "</View>"
)


def task_body(
    picture_uri: str,
    task_id: int,
    context: dict[str, Any] | None = None,
    user: str | None = None,
    draft: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """A task that was opened; or, with a context, one that somebody works on.

    Args:
        picture_uri: of the task's picture.
        task_id: of the task.
        context: the prompts; None: none yet.
        user: whose draft comes along; None: no draft was saved yet.
        draft: the regions in it.
    """
    drafts = [] if user is None else [{"user": user, "result": list(draft)}]
    task = {"id": task_id, "data": {"image": picture_uri}, "annotations": [], "predictions": [], "drafts": drafts}
    params = {"login": None, "password": None, "context": context}
    return {"tasks": [task], "project": "1.1795422272", "label_config": CONFIG, "params": params}


def click_body(
    picture_uri: str,
    items: Sequence[dict[str, Any]],
    task_id: int,
    user: str | None = None,
    draft: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """The request of a click: prompts of one object, the newest last."""
    return task_body(picture_uri, task_id, {"result": list(items)}, user, draft)


def point_item(
    x_pct: float, y_pct: float, original_hw: tuple[int, int], region_id: str, *, is_positive: bool = True
) -> dict[str, Any]:
    """A key point in percent of the picture; negative where Alt was held."""
    value = {"x": x_pct, "y": y_pct, "width": 0.3, "keypointlabels": ["Object"]}
    return _item(original_hw, region_id, "keypointlabels", "point", value) | {"is_positive": is_positive}


def brush_region(rle: Sequence[int], original_hw: tuple[int, int], region_id: str) -> dict[str, Any]:
    """A mask that was accepted, as a draft holds it."""
    value = {"format": "rle", "rle": list(rle), "brushlabels": ["Object"]}
    return _item(original_hw, region_id, "brushlabels", "brush", value)


def _item(
    original_hw: tuple[int, int], region_id: str, kind: str, from_name: str, value: dict[str, Any]
) -> dict[str, Any]:
    height, width = original_hw
    return {
        "id": region_id,
        "type": kind,
        "from_name": from_name,
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "origin": "manual",
        "value": value,
    }


def png_uri(pixels: NDArray[np.uint8]) -> str:
    """A picture (h, w, 3) in its own address."""
    return "data:image/png;base64," + base64.b64encode(_file(pixels, "PNG")).decode()


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """The file of a photograph (h, w, 3)."""
    return _file(pixels, "JPEG")


def _file(pixels: NDArray[np.uint8], kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()
