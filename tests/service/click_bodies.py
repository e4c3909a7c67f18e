"""Bodies of /predict as a real Label Studio 1.23.2 sends them."""

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent.parent / "label_studio" / "fixtures"
PICTURE_HW = (60, 80)


def recorded(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((FIXTURES / f"{name}.json").read_text())


def click_body(uri: str, *items: dict[str, Any], config: str | None = None) -> dict[str, Any]:
    """The recorded click, on another picture and with other prompts."""
    body = recorded("predict_keypoint")
    body["tasks"][0]["data"]["image"] = uri
    if items:
        body["params"]["context"]["result"] = list(items)
    if config is not None:
        body["label_config"] = config
    return body


def point_item(x: float, y: float, **item: object) -> dict[str, Any]:
    """A key point on the (60, 80) picture, in percent."""
    value = {"x": x, "y": y, "width": 0.4, "keypointlabels": ["Object"]}
    height, width = PICTURE_HW
    size = {"original_width": width, "original_height": height, "image_rotation": 0}
    return {**size, "type": "keypointlabels", "to_name": "image", "from_name": "tag2", "value": value, **item}
