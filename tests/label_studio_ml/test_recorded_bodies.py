"""label-studio-ml's own routes, asked with what a real Label Studio sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click_bodies import click_body, recorded
from flask.testing import FlaskClient
from region_masks import mask_of

PATIENCE_S = 300.0
DISC_HW = (300, 400)

PictureUri = Callable[[int, int], str]


def test_it_is_up(client: FlaskClient) -> None:
    assert client.get("/health").get_json()["status"] == "UP"


@pytest.mark.parametrize("body", ["setup", "setup_extra_params_object"])
def test_setup_answers_the_version_of_the_weights(body: str, client: FlaskClient, version: str) -> None:
    answer = client.post("/setup", json=recorded(body))
    assert (answer.status_code, answer.get_json()) == (200, {"model_version": version})


def test_a_click_in_the_middle_of_a_disc_answers_the_disc(
    client: FlaskClient, picture_uri: PictureUri, version: str
) -> None:
    client.post("/setup", json=recorded("setup"))
    answer = client.post("/predict", json=_click(picture_uri))
    [result] = answer.get_json()["results"]
    mask = mask_of(result["result"][0])
    assert result["model_version"] == version
    assert mask.shape == DISC_HW
    assert mask.sum() == pytest.approx(3.1416 * 75**2, rel=0.1)


def test_a_click_is_answered_by_the_config_of_its_own_project(client: FlaskClient, picture_uri: PictureUri) -> None:
    other = recorded("setup") | {"project": "77.1", "schema": "<View><Image name='photo' value='$photo'/></View>"}
    client.post("/setup", json=recorded("setup"))
    client.post("/setup", json=other)
    assert client.post("/predict", json=_click(picture_uri)).get_json()["results"][0]["result"]


def test_an_opened_task_is_answered_with_nothing_that_is_stored(client: FlaskClient) -> None:
    client.post("/setup", json=recorded("setup"))
    answer = client.post("/predict", json=recorded("predict_task_opened"))
    assert (answer.status_code, answer.get_json()["results"]) == (200, [])


def test_a_batch_is_answered_with_as_many_entries_as_tasks(client: FlaskClient) -> None:
    client.post("/setup", json=recorded("setup"))
    body = recorded("predict_batch")
    assert len(client.post("/predict", json=body).get_json()["results"]) == len(body["tasks"])


@pytest.mark.parametrize(
    "name", ["predict_batch", "predict_interactive_with_draft", "rest_predict_batch", "rest_predict_on_task_open"]
)
def test_whatever_was_recorded_is_answered(
    name: str, client: FlaskClient, recorded_in_shared: Callable[[str], Any], picture_uri: PictureUri
) -> None:
    client.post("/setup", json=recorded_in_shared("rest_setup"))
    body = recorded_in_shared(name)
    prompts = (body["params"]["context"] or {}).get("result")
    for task in body["tasks"]:
        task["data"]["image"] = picture_uri(*DISC_HW)
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200
    n_wanted = 0 if prompts is None and len(body["tasks"]) == 1 else len(body["tasks"])
    assert len(answer.get_json()["results"]) == n_wanted
    assert not prompts or answer.get_json()["results"][0]["result"]


def test_a_webhook_leaves_the_version_as_it_is(client: FlaskClient, model_dir: Path, version: str) -> None:
    job = client.post("/webhook", json=recorded("webhook_annotation_created")).get_json()["job_id"]
    _wait_until((model_dir / job / "job_result.json").exists)
    assert client.post("/setup", json=recorded("setup")).get_json() == {"model_version": version}


def test_a_webhook_of_new_tasks_encodes_them_into_the_shared_cache(
    client: FlaskClient, model_dir: Path, shared_cache: Path, picture_uri: PictureUri
) -> None:
    _wait_until(lambda: time.time() > max((int(job.name) for job in model_dir.glob("[0-9]*")), default=0) + 1)
    body = recorded("webhook_tasks_created")
    body["tasks"] = [body["tasks"][0] | {"data": {"image": picture_uri(90, 120)}}]
    before = _files(shared_cache)
    job = client.post("/webhook", json=body).get_json()["job_id"]
    _wait_until((model_dir / job / "job_result.json").exists)
    assert len(_files(shared_cache)) > len(before)


def _click(picture_uri: PictureUri) -> dict[str, Any]:
    body = click_body(picture_uri(*DISC_HW))
    [prompt] = body["params"]["context"]["result"]
    prompt |= {"original_height": DISC_HW[0], "original_width": DISC_HW[1]}
    prompt["value"] |= {"x": 50.0, "y": 50.0}
    return body


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def _wait_until(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until_s, "waited in vain for what a webhook gives rise to"
        time.sleep(0.1)
