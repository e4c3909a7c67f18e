import base64
import io
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click_bodies import click_body, point_item, recorded
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sam_backend.model.checkpoint import checkpoint_version
from sam_backend.predict.predictor import Predictor
from sam_backend.service.app import build_app, create_app
from sam_backend.service.model_loader import ModelLoader, ModelStatus
from sam_backend.settings import Settings


def _wait_until(client: FlaskClient, state: str) -> dict[str, Any]:
    for _ in range(500):
        health = client.get("/health").get_json()
        if health["state"] == state:
            return health
        time.sleep(0.01)
    pytest.fail(f"the model never was {state}: {health}")


@pytest.mark.parametrize("path", ["/health", "/"])
def test_health_says_which_model_answers(client: FlaskClient, checkpoint: Path, path: str) -> None:
    _wait_until(client, "ready")
    assert (
        client.get(path).get_json().items()
        >= {
            "status": "UP",
            "model_class": "SegmentAnything",
            "model": "tiny",
            "model_version": checkpoint_version(str(checkpoint)),
            "device": "cpu",
            "state": "ready",
            "error": None,
        }.items()
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(recorded("setup"), id="recorded, extra_params null"),
        pytest.param(recorded("setup_extra_params_object"), id="recorded, extra_params an object"),
        pytest.param(recorded("setup") | {"extra_params": ""}, id="extra_params an empty text"),
        pytest.param(recorded("setup") | {"extra_params": '{"a": 1}'}, id="extra_params a text"),
        pytest.param(recorded("setup") | {"schema": "<View/>"}, id="config without tags"),
        pytest.param({}, id="empty"),
        pytest.param({"project": 1, "hostname": 2, "access_token": 3}, id="numbers"),
        pytest.param({"project": "1", "hostname": "file:///", "access_token": ""}, id="no host"),
    ],
)
def test_setup_answers_the_version(client: FlaskClient, checkpoint: Path, body: dict[str, Any]) -> None:
    answer = client.post("/setup", json=body)
    assert (answer.status_code, answer.get_json()) == (200, {"model_version": checkpoint_version(str(checkpoint))})


def test_versions_are_listed(client: FlaskClient, checkpoint: Path) -> None:
    assert client.get("/versions", json={}).get_json() == {"versions": [checkpoint_version(str(checkpoint))]}


@pytest.mark.parametrize(
    "body",
    [
        *(
            pytest.param(recorded(name), id=name)
            for name in ("webhook_annotation_created", "webhook_project_updated", "webhook_start_training")
        ),
        pytest.param(recorded("webhook_tasks_created"), id="webhook_tasks_created"),
        pytest.param({"action": "NEVER_HEARD_OF"}, id="unknown action"),
        pytest.param([], id="a list"),
    ],
)
def test_any_webhook_is_taken(client: FlaskClient, body: object) -> None:
    answer = client.post("/webhook", json=body)
    assert (answer.status_code, answer.get_json()) == (200, {})


def _waiting_app(checkpoint: Path, predictor: Predictor, release: threading.Event) -> FlaskClient:
    def load() -> Predictor:
        release.wait(10)
        return predictor

    model = ModelLoader("tiny", lambda: checkpoint_version(str(checkpoint)), load, on_end=lambda _: None)
    app = build_app(Settings(), model)
    model.start()
    return app.test_client()


def test_health_and_setup_answer_at_once_with_the_same_version_while_the_model_loads(
    checkpoint: Path, predictor: Predictor
) -> None:
    release = threading.Event()
    client = _waiting_app(checkpoint, predictor, release)
    version = client.post("/setup", json=recorded("setup")).get_json()["model_version"]
    started_s = time.perf_counter()
    for _ in range(10):
        assert client.get("/health").get_json()["state"] == "loading"
        assert client.post("/setup", json=recorded("setup")).get_json() == {"model_version": version}
    assert time.perf_counter() - started_s < 1
    release.set()
    assert _wait_until(client, "ready")["model_version"] == version
    assert client.post("/setup", json=recorded("setup")).get_json() == {"model_version": version}


def test_predict_waits_for_the_model(checkpoint: Path, predictor: Predictor, data_uri: str) -> None:
    release = threading.Event()
    client = _waiting_app(checkpoint, predictor, release)
    threading.Timer(0.2, release.set).start()
    assert client.post("/predict", json=click_body(data_uri)).get_json()["results"][0]["result"]


def test_task_opened_while_the_model_loads_is_answered_at_once(checkpoint: Path, predictor: Predictor) -> None:
    release = threading.Event()
    client = _waiting_app(checkpoint, predictor, release)
    started_s = time.perf_counter()
    assert client.post("/predict", json=recorded("predict_task_opened")).get_json() == {"results": []}
    assert time.perf_counter() - started_s < 0.2
    release.set()


@pytest.mark.parametrize(
    ("content", "message"),
    [pytest.param(None, "there is no file", id="missing"), pytest.param(b"no weights", "fetch it again", id="damaged")],
)
def test_model_that_can_not_be_loaded_says_why_everywhere(
    start: Callable[..., FlaskClient],
    tmp_path: Path,
    data_uri: str,
    caplog: pytest.LogCaptureFixture,
    content: bytes | None,
    message: str,
) -> None:
    path = tmp_path / "mine.pth"
    if content is not None:
        path.write_bytes(content)
    client = start(model=str(path))
    health = _wait_until(client, "failed")
    assert health["status"] == "UP"
    assert message in health["error"]
    for answer in (client.post("/predict", json=click_body(data_uri)), client.post("/setup", json={})):
        assert answer.status_code == 503
        assert message in answer.get_json()["error"]
    assert "model_failed error=" in caplog.text


def test_error_that_nobody_foresaw_ends_the_loading_too() -> None:
    def load() -> Predictor:
        raise MemoryError("too little")

    ended: list[ModelStatus] = []
    done = threading.Event()

    def on_end(status: ModelStatus) -> None:
        ended.append(status)
        done.set()

    ModelLoader("tiny", lambda: "tiny-1", load, on_end).start()
    assert done.wait(5)
    assert (ended[0].state, ended[0].version) == ("failed", "tiny-1")
    assert ended[0].error == "the model 'tiny' couldn't be loaded: MemoryError: too little"


def test_model_that_takes_too_long_is_said_to_be_loading(monkeypatch: pytest.MonkeyPatch, data_uri: str) -> None:
    model = ModelLoader("tiny", lambda: "tiny-1", lambda: pytest.fail("not started"), on_end=lambda _: None)
    client = build_app(Settings(), model).test_client()
    monkeypatch.setattr("sam_backend.service.embedder._WAIT_FOR_MODEL_S", 0.01)
    monkeypatch.setattr("sam_backend.service.routes._WAIT_FOR_VERSION_S", 0.01)
    for answer in (client.post("/predict", json=click_body(data_uri)), client.get("/versions")):
        assert (answer.status_code, "still loading" in answer.get_json()["error"]) == (503, True)


@pytest.mark.parametrize(
    ("path", "content", "status", "message"),
    [
        pytest.param("/predict", b"{", 400, "no JSON", id="cut off"),
        pytest.param("/predict", b"", 400, "no JSON", id="empty"),
        pytest.param("/predict", b"[" * 200_000, 400, "no JSON", id="nested deeply"),
        pytest.param("/predict", b"\xff", 400, "no JSON", id="no text"),
        pytest.param("/predict", b"[]", 400, "JSON object", id="predict with a list"),
        pytest.param("/setup", b"[]", 400, "JSON object", id="setup with a list"),
        pytest.param("/nowhere", b"{}", 404, "not found", id="no such route"),
        pytest.param("/health", b"{}", 405, "not allowed", id="wrong method"),
    ],
)
def test_request_that_makes_no_sense_gets_one_sentence(
    client: FlaskClient, path: str, content: bytes, status: int, message: str
) -> None:
    answer = client.post(path, data=content, content_type="application/json")
    assert answer.status_code == status
    assert message in answer.get_json()["error"]


@pytest.mark.parametrize(
    ("uri", "status", "message"),
    [
        pytest.param("data:image/png;base64,AAAA", 422, "no picture", id="no picture"),
        pytest.param("data:image/png;base64,A", 502, "damaged base64", id="damaged address"),
        pytest.param("file:///etc/passwd", 502, "aren't fetched", id="file"),
        pytest.param("/data/upload/1/a.png", 502, "LABEL_STUDIO_URL", id="no host"),
        pytest.param("", 400, "no picture under 'image'", id="no address"),
    ],
)
def test_picture_that_can_not_be_had_gets_one_sentence_and_a_log_line(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, uri: str, status: int, message: str
) -> None:
    answer = client.post("/predict", json=click_body(uri))
    assert answer.status_code == status
    assert message in answer.get_json()["error"]
    assert f'request_failed path="/predict" status={status} error="' in caplog.text


def test_mask_larger_than_allowed_is_refused(client: FlaskClient, data_uri: str) -> None:
    item = point_item(50, 50, original_width=100_000, original_height=100_000)
    answer = client.post("/predict", json=click_body(data_uri, item))
    assert (answer.status_code, "SAM_MAX_MEGAPIXELS" in answer.get_json()["error"]) == (400, True)


def test_picture_larger_than_allowed_is_refused(start: Callable[..., FlaskClient]) -> None:
    file = io.BytesIO()
    Image.new("1", (2000, 1000)).save(file, "PNG")
    bomb = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    answer = start(max_megapixels=1).post("/predict", json=click_body(bomb, point_item(50, 50)))
    assert (answer.status_code, "megapixels" in answer.get_json()["error"]) == (422, True)


def test_body_beyond_the_limit_is_refused(start: Callable[..., FlaskClient]) -> None:
    client = start(max_picture_mb=1)
    client.application.config["MAX_CONTENT_LENGTH"] = 1000
    answer = client.post("/predict", data=b"x" * 1001)
    assert answer.status_code == 413
    assert answer.get_json()["error"]


def test_fault_of_our_own_shows_no_traceback_outside_but_in_the_log(
    client: FlaskClient, data_uri: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of our own")

    monkeypatch.setattr(Predictor, "segment_one", fail)
    answer = client.post("/predict", json=click_body(data_uri))
    assert answer.status_code == 500
    assert "of our own" not in answer.text
    assert "ZeroDivisionError: of our own" in caplog.text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
prompt_items = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["keypointlabels", "keypoint", "rectanglelabels", "rectangle", "labels"]) | json_values,
        "id": st.sampled_from(["a", "b"]) | json_values,
        "to_name": st.just("image") | json_values,
        "is_positive": json_values,
        "item_index": json_values,
        "image_rotation": json_values,
        "original_width": st.integers(0, 100) | json_values,
        "original_height": st.integers(0, 100) | json_values,
        "value": st.fixed_dictionaries(
            {},
            optional={
                **{name: st.floats(-10, 110) | json_values for name in ("x", "y", "width", "height", "rotation")},
                "keypointlabels": st.just(["Object"]) | json_values,
                "labels": st.just(["Object"]) | json_values,
            },
        )
        | json_values,
    },
)


@pytest.fixture(scope="module")
def shared_client(checkpoint: Path) -> FlaskClient:
    return create_app(Settings(model=str(checkpoint), device="cpu", max_megapixels=1)).test_client()


def _post(client: FlaskClient, path: str, body: object) -> int:
    """As Python writes JSON, with NaN and Infinity: others may do so too."""
    return client.post(path, data=json.dumps(body), content_type="application/json").status_code


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(st.lists(prompt_items, max_size=4), st.just("image") | st.text(max_size=5), json_values)
def test_no_prompt_is_ever_a_fault(
    shared_client: FlaskClient, data_uri: str, items: list[dict[str, Any]], key: str, other: object
) -> None:
    body = click_body(data_uri)
    body["params"]["context"]["result"] = items
    body["tasks"][0]["data"] = {"image": data_uri, key: data_uri}
    body["tasks"][0]["id"] = other
    assert _post(shared_client, "/predict", body) in (200, 400)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=100)
@given(
    st.sampled_from(["/predict", "/setup", "/webhook"]),
    json_values
    | st.fixed_dictionaries(
        {},
        optional={
            "tasks": json_values | st.lists(st.fixed_dictionaries({"data": json_values}), max_size=2),
            "params": json_values | st.fixed_dictionaries({"context": json_values}),
            "label_config": json_values,
            "project": json_values,
            "hostname": json_values,
        },
    ),
)
def test_no_body_is_ever_a_fault(shared_client: FlaskClient, path: str, body: object) -> None:
    assert _post(shared_client, path, body) in (200, 400)
