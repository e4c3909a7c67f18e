"""Start Training, pressed in the real settings page, ends in a version that answers the next click.

The nuclei are labelled with a margin, which the embedded model doesn't know of: a few steps surely help.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from backend import RecordingProxy, start_backend
from desk import only_region
from editor import Editor
from nuclei import NucleiScene, make_nuclei_scene
from numpy.typing import NDArray
from project import Project
from server_process import free_port
from studio import LEGACY_TOKEN, StudioApi

from sam_backend.masks.rle_brush import encode_brush_rle

pytestmark = pytest.mark.e2e

N_TASKS, N_NUCLEI = 6, 5
MARGIN_PX = 8
N_STEPS = 40
PATIENCE_S = 1800.0
"""Of a training at low priority on a machine with other work."""


@pytest.fixture
def learning_proxy(
    studio_server: str, artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RecordingProxy]:
    """A backend with an empty data folder and short trainings."""
    monkeypatch.setenv("SAM_TRAIN_STEPS", str(N_STEPS))
    port = free_port()
    server = start_backend(
        port, studio_server, LEGACY_TOKEN, artifacts / "learning-backend.log", data_folder=tmp_path / "data"
    )
    proxy = RecordingProxy(f"http://127.0.0.1:{port}")
    yield proxy
    proxy.close()
    server.stop()


@pytest.fixture
def taught(api: StudioApi, learning_proxy: RecordingProxy, nuclei_png: Path, tmp_path: Path) -> Project:
    """A project of one picture to click on and some that are annotated."""
    project = Project.of_upload(api, learning_proxy, _labeling_config(), nuclei_png)
    for number in range(N_TASKS):
        scene = make_nuclei_scene(seed=100 + number)
        task = api.upload_picture(project.project, scene.save(tmp_path / f"taught-{number}.png"))
        _annotate(api, task, scene)
    return project


def test_start_training_from_the_settings_page_brings_a_better_version(
    editor: Editor, taught: Project, scene: NucleiScene, artifacts: Path
) -> None:
    url = taught.proxy.backend_url
    before = _model_version(url)
    assert _clicked(taught, scene)["model_version"] == before

    page = editor.page
    page.goto(f"{editor.studio_url}/projects/{taught.project}/settings/ml")
    page.get_by_label("Machine learning model options").click()
    page.get_by_text("Start Training", exact=True).click()
    page.get_by_role("button", name="Start Training", exact=True).click()
    page.get_by_text("Request Sent!").wait_for()
    page.screenshot(path=artifacts / "start-training.png")

    training = _ended(url)
    assert training["state"] == "ready", training
    assert training["learnt from"].endswith(" tasks")
    after = _wait_for_another(url, before)
    assert after.startswith(f"project-{taught.project}-v1-")
    assert _clicked(taught, scene)["model_version"] == after
    assert requests.get(f"{url}/versions", timeout=30).json() == {"versions": [after, before]}


def _clicked(project: Project, scene: NucleiScene) -> dict[str, Any]:
    """A click through Label Studio; the prediction as the backend answered it."""
    project.click_without_browser(scene, 2)
    exchange = project.proxy.clicks()[-1]
    only_region(exchange)
    return dict(exchange.answer["results"][0])


def _annotate(api: StudioApi, task: int, scene: NucleiScene) -> None:
    regions = [_brush(_grown(scene.mask(index), MARGIN_PX), f"nucleus-{index}") for index in range(N_NUCLEI)]
    headers = {"Authorization": f"Token {LEGACY_TOKEN}"}
    body = {"result": regions, "was_cancelled": False}
    made = requests.post(f"{api.url}/api/tasks/{task}/annotations/", headers=headers, json=body, timeout=60)
    made.raise_for_status()


def _brush(mask: NDArray[np.bool_], region_id: str) -> dict[str, Any]:
    height, width = mask.shape
    value = {"format": "rle", "rle": encode_brush_rle(mask), "brushlabels": ["Nucleus"]}
    size = {"original_width": width, "original_height": height, "image_rotation": 0}
    return {**size, "id": region_id, "type": "brushlabels", "from_name": "mask", "to_name": "image", "value": value}


def _grown(mask: NDArray[np.bool_], margin_px: int) -> NDArray[np.bool_]:
    """By a pixel at a time in the four directions."""
    for _ in range(margin_px):
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        grown[:, 1:] |= mask[:, :-1]
        grown[:, :-1] |= mask[:, 1:]
        mask = grown
    return mask


def _model_version(url: str) -> str:
    answer = requests.post(f"{url}/setup", json={"project": "1.1"}, timeout=30)
    return str(answer.json()["model_version"])


def _ended(url: str) -> dict[str, Any]:
    until_s = time.monotonic() + PATIENCE_S
    while True:
        page = requests.get(url, headers={"Accept": "application/json"}, timeout=30).json()
        training = page["sections"]["Training"]
        if training["state"] in ("ready", "refused", "failed", "stopped"):
            return dict(training)
        assert time.monotonic() < until_s, training
        time.sleep(2)


def _wait_for_another(url: str, before: str) -> str:
    until_s = time.monotonic() + PATIENCE_S
    while _model_version(url) == before:
        assert time.monotonic() < until_s
        time.sleep(0.5)
    return _model_version(url)


def _labeling_config() -> str:
    return (Path(__file__).parents[2] / "docs" / "labeling-config.xml").read_text()
