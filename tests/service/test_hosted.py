"""The parts behind somebody else's server; label-studio-ml itself is tested in tests/label_studio_ml."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click_bodies import click_body, recorded
from flask import Flask, Response, jsonify, request

from sam_backend.errors import SettingsError
from sam_backend.service.hosted import HostedBackend
from sam_backend.service.model_loader import ModelUnavailableError
from sam_backend.settings import Settings


@pytest.fixture
def host(checkpoint: Path) -> Callable[..., HostedBackend]:
    def build(**settings: object) -> HostedBackend:
        return HostedBackend(Settings(**{"model": str(checkpoint), "device": "cpu", **settings}))

    return build


def _served(backend: HostedBackend, label_config: str | None = None) -> Flask:
    """A server that hands over as little as label-studio-ml does."""
    app = Flask("host")

    @app.post("/setup")
    def setup() -> Response:
        backend.set_up(request.json["hostname"], request.json["access_token"])
        return jsonify(model_version="INITIAL")

    @app.post("/predict")
    def predict() -> Response:
        return jsonify(results=backend.answer(request.json["tasks"], request.json["params"], label_config))

    return app


def _wait_until(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def _setup_body(**changed: object) -> dict[str, Any]:
    return {"project": "1.2", "schema": "<View/>", "hostname": "http://studio.example", "access_token": "t"} | changed


def test_a_setup_answers_with_the_version_of_the_weights(host: Callable[..., HostedBackend], predictor: Any) -> None:  # noqa: ANN401
    answer = _served(host()).test_client().post("/setup", json=_setup_body())
    assert answer.json == {"model_version": predictor.version}


def test_a_setup_over_weights_that_cannot_be_read_says_so(
    host: Callable[..., HostedBackend], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bad.pth").write_bytes(b"nothing")
    client = _served(host(model=str(tmp_path / "bad.pth"))).test_client()
    with caplog.at_level(logging.ERROR):
        client.post("/setup", json=_setup_body())  # the version is known before the weights are found to be none
        _wait_until(lambda: "model_failed" in caplog.text)
    client.application.testing = True
    with pytest.raises(ModelUnavailableError, match=r"bad\.pth"):
        client.post("/setup", json=_setup_body())


def test_a_click_is_answered_with_a_mask_by_the_config_of_its_own_request(
    host: Callable[..., HostedBackend],
    data_uri: str,
    predictor: Any,  # noqa: ANN401
) -> None:
    client = _served(host(), label_config="<View><Choices name='other' toName='nothing'/></View>").test_client()
    [result] = client.post("/predict", json=click_body(data_uri)).json["results"]
    assert result["model_version"] == predictor.version
    assert result["result"][0]["type"] == "brushlabels"


def test_a_click_outside_of_any_request_is_answered_by_the_config_set_up_last(
    host: Callable[..., HostedBackend], data_uri: str
) -> None:
    body = click_body(data_uri)
    [result] = host().answer(body["tasks"], body["params"], body["label_config"])
    assert result["result"]


def test_a_project_keeps_its_own_server_when_another_is_set_up(
    host: Callable[..., HostedBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = host()
    client = _served(backend).test_client()
    body = click_body("/data/upload/1/a.png")
    client.post("/setup", json=_setup_body(project=body["project"], hostname="http://127.0.0.1:9/first"))
    client.post("/setup", json=_setup_body(project="99.1", hostname="http://127.0.0.1:9/second"))
    assert backend._parts.setups.host_of(body["project"]).url.endswith("/first")


def test_outside_of_a_request_a_setup_loads_nothing(host: Callable[..., HostedBackend]) -> None:
    backend = host()
    backend.set_up("http://studio.example", "t")
    assert not backend._is_started


def test_new_tasks_are_encoded_into_a_shared_cache(
    host: Callable[..., HostedBackend], tmp_path: Path, data_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    shared = {"cache_url": f"file://{tmp_path}/cache"}
    event = {"project": {"id": 1, "label_config": recorded("predict_keypoint")["label_config"]}}
    event |= {"tasks": [{"id": 1, "data": {"image": data_uri}}]}
    with caplog.at_level(logging.INFO, "sam_backend"):
        host(**shared).learn_of("TASKS_CREATED", event, str(tmp_path / "1"))
        assert caplog.text.count("encoding picture") == 1
        client = _served(host(**shared)).test_client()
        assert client.post("/predict", json=click_body(data_uri)).json["results"][0]["result"]
    assert caplog.text.count("encoding picture") == 1


@pytest.mark.parametrize(
    ("action", "cache"), [("TASKS_CREATED", "memory"), ("ANNOTATION_CREATED", "folder"), ("X", "folder")]
)
def test_a_webhook_that_gives_rise_to_nothing_loads_nothing(
    action: str, cache: str, host: Callable[..., HostedBackend], tmp_path: Path, data_uri: str
) -> None:
    backend = host(cache_url="memory" if cache == "memory" else f"file://{tmp_path}")
    backend.learn_of(action, {"project": {"id": 1}, "tasks": [{"id": 1, "data": {"image": data_uri}}]}, None)
    assert not backend._is_started


def test_a_token_that_this_host_cannot_ask_for_is_refused_at_start(host: Callable[..., HostedBackend]) -> None:
    with pytest.raises(SettingsError, match="SAM_API_TOKEN is set"):
        host(api_token="0123456789abcdef")  # noqa: S106 - of a test
