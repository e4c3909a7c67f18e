"""What an annotator does in the editor, and what the ledger says of it: the same numbers."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from backend import RecordingProxy, start_backend
from desk import Desk, only_region
from nuclei import NucleiScene
from numpy.typing import NDArray
from project import Project
from region_masks import iou, mask_of
from server_process import free_port
from studio import LEGACY_TOKEN, Json, StudioApi

from sam_backend.masks.rle_brush import encode_brush_rle

pytestmark = pytest.mark.e2e

REFINED, REJECTED, ACCEPTED = 2, 6, 4
PATIENCE_S = 60.0

Row = dict[str, str]


@pytest.fixture
def proxy(studio_server: str, artifacts: Path, tmp_path: Path) -> Iterator[RecordingProxy]:
    """Before a backend of its own: the page has the sums of all that a ledger holds."""
    port = free_port()
    log_path, data_folder = artifacts / "ledger-backend.log", tmp_path / "data"
    server = start_backend(port, studio_server, LEGACY_TOKEN, log_path, data_folder=data_folder)
    recording = RecordingProxy(f"http://127.0.0.1:{port}")
    yield recording
    recording.close()
    server.stop()


def test_ledger_says_what_the_annotator_did(
    sit_down: Callable[..., Desk],
    uploaded: Project,
    scene: NucleiScene,
    api: StudioApi,
    nuclei_png: Path,
) -> None:
    backend_url = uploaded.proxy.backend_url
    refined = _refine_accept_and_submit(sit_down(uploaded), scene)
    second = replace(uploaded, task=api.upload_picture(uploaded.project, nuclei_png))
    rejected, accepted = _reject_one_and_submit_another(sit_down(second), scene)

    rows = _rows(backend_url, uploaded, lambda rows: [row["outcome"] for row in rows].count("open") == 0)
    assert {row["region"]: (int(row["task"]), row["outcome"], row["clicks"], row["refined"]) for row in rows} == {
        refined["id"]: (uploaded.task, "kept", "2", "yes"),
        rejected["id"]: (second.task, "discarded", "1", "no"),
        accepted["id"]: (second.task, "kept", "1", "no"),
    }
    assert {row["label"] for row in rows} == {"Nucleus"}
    assert {row["tag"] for row in rows} == {"mask"}
    by_id = {row["region"]: row for row in rows}
    assert by_id[rejected["id"]]["annotation"] == by_id[accepted["id"]]["annotation"]
    assert float(by_id[refined["id"]]["seconds"]) > 0
    assert float(by_id[refined["id"]]["lead_time_s"]) > float(by_id[refined["id"]]["seconds"])

    (annotation,) = api.annotations(second.task)
    erased = _without_left_half(accepted)
    api.change_annotation(annotation["id"], [erased, _rectangle_by_hand(scene)])
    rows = _rows(backend_url, second, lambda rows: "edited" in [row["outcome"] for row in rows])
    assert {row["region"]: (row["outcome"], row["iou"]) for row in rows if row["task"] == str(second.task)} == {
        rejected["id"]: ("discarded", ""),
        accepted["id"]: ("edited", str(iou(mask_of(erased), mask_of(accepted)))),
        "by-hand": ("by hand", ""),
    }
    _check_summary(backend_url, edited_iou=iou(mask_of(erased), mask_of(accepted)))

    api.delete_annotation(annotation["id"])
    rows = _rows(backend_url, second, lambda rows: len(rows) == 3)
    assert {row["region"]: row["outcome"] for row in rows} == {
        refined["id"]: "kept",
        rejected["id"]: "open",
        accepted["id"]: "open",
    }


def _refine_accept_and_submit(desk: Desk, scene: NucleiScene) -> Json:
    x, y = scene.center_xy(REFINED)
    first = only_region(desk.click(x, y))
    refined = only_region(desk.click(x + 0.5 * scene.nuclei[REFINED].radius_px, y))
    assert refined["id"] == first["id"]
    desk.editor.accept()
    (stored,) = desk.submit()
    assert stored["id"] == refined["id"]
    return refined


def _reject_one_and_submit_another(desk: Desk, scene: NucleiScene) -> tuple[Json, Json]:
    rejected = only_region(desk.click(*scene.center_xy(REJECTED)))
    desk.editor.reject()
    desk.look("rejected")
    accepted = only_region(desk.click(*scene.center_xy(ACCEPTED)))
    assert accepted["id"] != rejected["id"]
    desk.editor.accept()
    (stored,) = desk.submit()
    assert stored["id"] == accepted["id"]
    return rejected, accepted


def _without_left_half(region: Json) -> Json:
    mask: NDArray = mask_of(region)
    columns = mask.any(axis=0).nonzero()[0]
    mask[:, : int(columns.mean())] = False
    return region | {"value": region["value"] | {"rle": encode_brush_rle(mask)}}


def _rectangle_by_hand(scene: NucleiScene) -> Json:
    height_px, width_px = scene.labels.shape
    value = {"x": 5, "y": 5, "width": 10, "height": 10, "rotation": 0, "rectanglelabels": ["Nucleus"]}
    return {
        "id": "by-hand",
        "type": "rectanglelabels",
        "from_name": "box",
        "to_name": "image",
        "original_width": width_px,
        "original_height": height_px,
        "image_rotation": 0,
        "value": value,
    }


def _rows(backend_url: str, project: Project, is_there: Callable[[list[Row]], bool]) -> list[Row]:
    """The ledger's rows of a project, once the webhooks have come."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        answer = requests.get(f"{backend_url}/ledger.csv", params={"project": project.project}, timeout=30)
        answer.raise_for_status()
        rows = list(csv.DictReader(answer.text.splitlines()))
        if is_there(rows):
            return rows
        if time.monotonic() > deadline_s:
            pytest.fail(f"the ledger never said what was waited for: {rows}")
        time.sleep(0.1)


def _check_summary(backend_url: str, edited_iou: float) -> None:
    facts = requests.get(backend_url, timeout=30).json()["sections"]["Ledger"]
    assert facts["label Nucleus"] == f"1 kept, 1 (mean IoU {edited_iou:.3f}) edited, 1 discarded, 1 by hand"
    assert (facts["annotations"], facts["answered"], facts["submitted"], facts["not decided yet"]) == (2, 3, 3, 0)
    assert facts["clicks per object"] == 1.5
