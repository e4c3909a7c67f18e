"""Predictions for a whole project, made by the command line: seen in a real editor, copied, submitted."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backend import DEFAULT_PYTHON
from editor import Editor, changed_pixels
from nuclei import NucleiScene
from region_masks import iou, mask_of
from studio import LEGACY_TOKEN, StudioApi

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
LABELING_CONFIG = (ROOT / "docs" / "labeling-config.xml").read_text()
BOXED = (2, 6)
"""Nuclei of the scene that the embedded model answers well."""

RIGHT_IOU = 0.7
DRAWN = 0.9


def test_masks_of_rectangles_are_seen_copied_and_submitted(
    editor: Editor, api: StudioApi, scene: NucleiScene, nuclei_png: Path, artifacts: Path
) -> None:
    project = api.create_project("Boxes to masks", LABELING_CONFIG)
    boxed, bare = api.upload_picture(project, nuclei_png), api.upload_picture(project, nuclei_png)
    api.annotate(boxed, [_rectangle(scene, index) for index in BOXED])

    said = _preannotate(api, project, "--from", "boxes")
    assert "1 predictions with 2 regions stored" in said
    (predicted,) = api.predictions(boxed)
    assert predicted["model_version"].endswith(" (boxes to masks)")
    masks = {region["id"]: mask_of(region) for region in predicted["result"]}
    for index, mask in zip(BOXED, masks.values(), strict=True):
        assert iou(mask, scene.mask(index)) >= RIGHT_IOU

    editor.open_task(project, boxed)
    before_rgb = editor.canvas_rgb()
    editor.select_prediction()
    editor.wait_until(
        lambda: bool(changed_pixels(before_rgb, editor.canvas_rgb())[_union(masks)].mean() > DRAWN),
        "the prediction to be drawn",
    )
    editor.save_screenshot(artifacts / "preannotate-boxes-seen.png")
    editor.copy_prediction()
    editor.submit()
    editor.save_screenshot(artifacts / "preannotate-boxes-submitted.png")
    _assert_same(api.annotations(boxed)[-1]["result"], predicted["result"])

    assert "0 predictions with 0 regions stored" in _preannotate(api, project, "--from", "boxes")
    assert [len(api.predictions(task)) for task in (boxed, bare)] == [1, 0]


def test_masks_of_everything_are_copied_and_submitted(
    editor: Editor, api: StudioApi, nuclei_png: Path, artifacts: Path
) -> None:
    project = api.create_project("Everything", LABELING_CONFIG)
    task = api.upload_picture(project, nuclei_png)
    words = ["--from", "everything", "--points-per-side", "6", "--max-masks", "8"]
    words += ["--pred-iou-thresh", "0", "--stability-score-thresh", "0"]  # so few points find little that is sure
    assert "1 predictions with " in _preannotate(api, project, *words)
    (predicted,) = api.predictions(task)
    assert 1 <= len(predicted["result"]) <= 8
    assert all(region["value"]["brushlabels"] == ["Nucleus"] for region in predicted["result"])

    editor.open_task(project, task)
    editor.select_prediction()
    editor.save_screenshot(artifacts / "preannotate-everything-seen.png")
    editor.copy_prediction()
    editor.submit()
    _assert_same(api.annotations(task)[-1]["result"], predicted["result"])

    assert "0 predictions with 0 regions stored" in _preannotate(api, project, *words)
    assert len(api.predictions(task)) == 1


def _preannotate(api: StudioApi, project: int, *words: str) -> str:
    python = os.environ.get("BACKEND_PYTHON", str(DEFAULT_PYTHON))
    command = [python, "-m", "sam_backend", "preannotate", "--project", str(project), *words]
    environ = {**os.environ, "LABEL_STUDIO_URL": api.url, "LABEL_STUDIO_API_KEY": LEGACY_TOKEN}
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def _rectangle(scene: NucleiScene, index: int) -> dict[str, Any]:
    height, width = scene.labels.shape
    x0, y0, x1, y1 = scene.box_xyxy(index)
    value = {
        "x": 100 * x0 / width,
        "y": 100 * y0 / height,
        "width": 100 * (x1 - x0) / width,
        "height": 100 * (y1 - y0) / height,
        "rotation": 0,
        "rectanglelabels": ["Nucleus"],
    }
    size = {"original_width": width, "original_height": height, "image_rotation": 0}
    return {
        "id": f"box-{index}",
        "from_name": "box",
        "to_name": "image",
        "type": "rectanglelabels",
        **size,
        "value": value,
    }


def _union(masks: dict[str, Any]) -> Any:  # noqa: ANN401 - an array
    return np.logical_or.reduce(list(masks.values()))


def _assert_same(stored: list[dict[str, Any]], predicted: list[dict[str, Any]]) -> None:
    """The editor gives copies ids of their own and packs masks anew; pixels and labels stay."""
    assert len(stored) == len(predicted)
    for one, other in zip(stored, predicted, strict=True):
        assert one["value"]["brushlabels"] == other["value"]["brushlabels"]
        np.testing.assert_array_equal(mask_of(one), mask_of(other))
