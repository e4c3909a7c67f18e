"""A project: its labeling config, and one real picture."""

from __future__ import annotations

import time
from typing import Any, TypeAlias

from sam_backend.errors import ImageSourceError
from sam_backend.label_studio.doctor.check import Finding, fail, ok, skip, warn
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.labeling_config import Control, LabelingConfig
from sam_backend.label_studio.studio_api import Answer
from sam_backend.predict.picture import decode_picture

_PROMPTS = {"keypointlabels", "keypoint", "rectanglelabels", "rectangle"}
_OUTPUTS = {"brushlabels", "brush", "bitmasklabels", "bitmask", "polygonlabels", "polygon", "vectorlabels", "vector"}
PixelsHW: TypeAlias = "tuple[int, int]"
"""Height and width of a picture."""

_PASTE = "paste docs/labeling-config.xml under Settings > Labeling Interface, and put your labels in"


def check_project(answer: Answer) -> Finding:
    """Whether the project is there and open to the token."""
    if answer.status == 404:
        return fail("there is no such project for this user", "give another --project, or invite the user")
    if answer.status != 200 or not isinstance(answer.body, dict):
        return fail(f"the project answered {answer.status}", "let the token's user open the project")
    return ok(f"{answer.body.get('title')!r} with {answer.body.get('task_number')} tasks")


def check_config(config: LabelingConfig) -> Finding:
    """Whether a click in this config can be answered."""
    if not config.variables:
        return fail("the labeling config has no <Image> with a $variable", _PASTE)
    prompts = _with_tag(config, _PROMPTS)
    if not prompts:
        return fail("the labeling config has nothing to click with: no KeyPoint or Rectangle tag", _PASTE)
    outputs = _with_tag(config, _OUTPUTS)
    if not outputs:
        return fail("the labeling config has no tag that takes a mask: no Brush, Bitmask or Polygon", _PASTE)
    missing = _labels_of(prompts) - _labels_of(outputs)
    if missing and not any(output.tag in ("brush", "bitmask", "polygon", "vector") for output in outputs):
        shown = ", ".join(sorted(missing)[:5])
        return warn(f"labels to click with that no output tag lists: {shown}", "give both tags the same labels")
    return ok(f"click with {_names(prompts)}, masks in {_names(outputs)}")


def _with_tag(config: LabelingConfig, tags: set[str]) -> list[Control]:
    pictures = {name for name, _ in config.variables}
    return [control for control in config.controls if control.tag in tags and pictures & set(control.to_names)]


def _labels_of(controls: list[Control]) -> frozenset[str]:
    return frozenset[str]().union(*(control.labels or () for control in controls))


def _names(controls: list[Control]) -> str:
    return ", ".join(f"{control.tag} {control.name!r}" for control in controls)


def first_task(answer: Answer) -> dict[str, Any] | None:
    """The task of a page of ``/api/tasks``; None if the project has none."""
    tasks = answer.body.get("tasks") if isinstance(answer.body, dict) else answer.body
    if answer.status != 200 or not isinstance(tasks, list) or not tasks or not isinstance(tasks[0], dict):
        return None
    return tasks[0]


def check_picture(
    source: ImageSource, task: dict[str, Any], data_key: str, max_pixels: int
) -> tuple[Finding, PixelsHW]:
    """Fetch and decode the picture of a task, as a click does; the height and width go with the finding.

    Raises:
        ImageSourceError: it can't be had.
        ImageError: it can't be decoded.
    """
    uri = (task.get("data") or {}).get(data_key)
    uri = uri[0] if isinstance(uri, list) and uri else uri
    if not isinstance(uri, str):
        raise ImageSourceError(
            f"task {task.get('id')} has no picture under {data_key!r}: import it again, as the config asks"
        )
    started_s = time.perf_counter()
    picture = source.fetch(uri.strip(), None, task.get("id"))
    fetched_s = time.perf_counter()
    pixels = decode_picture(picture.data, name=f"the picture of task {task.get('id')}", max_pixels=max_pixels)
    decoded_s = time.perf_counter()
    height, width = pixels.shape[:2]
    finding = ok(
        f"{width} x {height}, {picture.nbytes / 1e6:.1f} MB: fetched in {1000 * (fetched_s - started_s):.0f} ms, "
        f"decoded in {1000 * (decoded_s - fetched_s):.0f} ms"
    )
    return finding, (height, width)


def click_prompt(config: LabelingConfig, original_hw: PixelsHW) -> dict[str, Any] | None:
    """A key point in the middle of the picture, as the editor sends it; None if the config has no labelled one."""
    for control in _with_tag(config, {"keypointlabels"}):
        for label in sorted(control.labels or ()):
            height, width = original_hw
            return {
                "id": "doctor",
                "type": control.tag,
                "from_name": control.name,
                "to_name": control.to_names[0],
                "original_width": width,
                "original_height": height,
                "image_rotation": 0,
                "is_positive": True,
                "value": {"x": 50.0, "y": 50.0, "width": 0.3, "keypointlabels": [label]},
            }
    return None


def check_click(answer: Answer) -> Finding:
    """Whether a click through Label Studio came back with a mask."""
    errors = answer.body.get("errors") if isinstance(answer.body, dict) else None
    if answer.status != 200 or errors:
        return fail(f"the click failed: {str(errors or answer.text)[:300]}", "see the status page of the backend")
    data = answer.body.get("data") if isinstance(answer.body, dict) else None
    regions = data.get("result") if isinstance(data, dict) else None
    if not regions:
        return warn("the click came back without a mask", "see the last errors on the status page of the backend")
    return ok(f"a click came back with {len(regions)} region(s)")


def no_task() -> Finding:
    """What to say of an empty project."""
    return skip("the project has no task", "import a picture")
