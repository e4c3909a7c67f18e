"""What people are told, and what goes on, while the encoder has more to do than it can."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from click_bodies import click_body, point_item
from flask.testing import FlaskClient
from people import data_uri, picture_png

from sam_backend.predict.embedding import Embedding
from sam_backend.predict.predictor import Predictor
from sam_backend.predict.zoom import Crop
from sam_backend.service import clicks
from sam_backend.service.app import build_app
from sam_backend.service.model_loader import ModelLoader
from sam_backend.settings import Settings

CLICK = point_item(45, 50)
WITH_TEXT_AREA = (
    '<View><Image name="image" value="$image"/><TextArea name="said" toName="image"/>'
    '<BrushLabels name="tag" toName="image"><Label value="Object"/></BrushLabels>'
    '<KeyPointLabels name="tag2" toName="image" smart="true"><Label value="Object"/></KeyPointLabels></View>'
)
VIEW = {"picture": base64.b64encode(picture_png(1)).decode(), "transform": [1, 0, 0, 0, -1, 0]}


class Door:
    """The encoder, which can be shut."""

    def __init__(self) -> None:
        self.is_open, self.n_waiting = threading.Event(), 0
        self.is_open.set()

    @contextmanager
    def shut(self) -> Iterator[None]:
        self.is_open.clear()
        try:
            yield
        finally:
            self.is_open.set()

    def wait_for(self, n: int) -> None:
        until_s = time.monotonic() + 20
        while self.n_waiting < n:
            assert time.monotonic() < until_s
            time.sleep(0.01)


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    """In front of the real encoder."""
    door, embed = Door(), Predictor.embed

    def embed_when_open(self: Predictor, image: np.ndarray) -> Embedding:
        door.n_waiting += 1
        door.is_open.wait(30)
        return embed(self, image)

    monkeypatch.setattr(Predictor, "embed", embed_when_open)
    return door


@pytest.fixture
def busy(start: Callable[..., FlaskClient], door: Door) -> Callable[..., Any]:
    """A service of which the one place and the one seat are taken by a picture that isn't done."""

    @contextmanager
    def make(**settings: object) -> Iterator[FlaskClient]:
        client = start(encode_queue=0, **settings)
        assert client.post("/predict", json=click_body(data_uri(1), CLICK)).status_code == 200
        before = door.n_waiting
        with ThreadPoolExecutor(1) as threads, door.shut():
            first = threads.submit(
                client.application.test_client().post, "/predict", json=click_body(data_uri(2), CLICK)
            )
            door.wait_for(before + 1)
            yield client
            door.is_open.set()
            assert first.result(30).get_json()["results"][0]["result"]

    return make


def _said(client: FlaskClient, number: int) -> str:
    body = click_body(data_uri(number), CLICK, config=WITH_TEXT_AREA)
    (result,) = client.post("/predict", json=body).get_json()["results"]
    (region,) = result["result"]
    assert region["type"] == "textarea"
    return str(region["value"]["text"][0])


def test_click_past_the_last_place_is_told_so_at_once_in_the_text_area(busy: Callable[..., Any]) -> None:
    with busy() as client:
        started_s = time.monotonic()
        assert "as many people as may wait for pictures to be encoded do already" in _said(client, 3)
        assert time.monotonic() - started_s < 10


def test_without_a_text_area_it_is_503_with_the_sentence(busy: Callable[..., Any]) -> None:
    with busy() as client:
        answer = client.post("/predict", json=click_body(data_uri(3), CLICK))
        assert answer.status_code == 503
        assert "as many people as may wait" in answer.get_json()["error"]
        assert int(answer.headers["Retry-After"]) >= 1


def test_page_for_trying_is_answered_429_with_when_to_come_back(busy: Callable[..., Any]) -> None:
    with busy() as client:
        answer = client.post("/try/pictures", data=picture_png(3), content_type="image/png")
        assert answer.status_code == 429
        assert "as many people as may wait" in answer.get_json()["error"]
        assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("operation", ["object", "prefetch"])
def test_view_of_a_raster_is_answered_429_with_when_to_come_back(busy: Callable[..., Any], operation: str) -> None:
    body = VIEW | {"picture": base64.b64encode(picture_png(3)).decode()}
    if operation == "object":
        body |= {"points_xy": [[30, -30]], "is_foreground": [True]}
    with busy() as client:
        answer = client.post(f"/raster/{operation}", json=body)
        assert answer.status_code == 429
        assert answer.get_json()["kind"] == "unavailable"
        assert int(answer.headers["Retry-After"]) >= 1


def test_warm_click_never_waits_behind_the_encoder(busy: Callable[..., Any]) -> None:
    with busy() as client:
        body = click_body(data_uri(1), point_item(20, 30, id="again"))
        assert client.post("/predict", json=body).get_json()["results"][0]["result"]
        assert client.get("/health").status_code == 200


def test_two_people_on_one_picture_share_an_encode_and_a_place(start: Callable[..., FlaskClient], door: Door) -> None:
    client = start(encode_queue=0)
    client.application.test_client().get("/health")
    with ThreadPoolExecutor(2) as threads, door.shut():
        body = click_body(data_uri(1), CLICK)
        both = [threads.submit(client.application.test_client().post, "/predict", json=body) for _ in range(2)]
        door.wait_for(1)
        time.sleep(0.2)
        door.is_open.set()
        assert all(one.result(30).get_json()["results"][0]["result"] for one in both)
    assert door.n_waiting == 1


def test_click_whose_picture_takes_too_long_says_so_and_the_next_one_finds_it_done(
    start: Callable[..., FlaskClient], door: Door
) -> None:
    client = start()
    assert client.post("/predict", json=click_body(data_uri(1), CLICK)).status_code == 200  # the model is there
    client = start(predict_wait_s=5.0)
    with door.shut():
        started_s = time.monotonic()
        assert "isn't encoded yet, and its turn comes" in _said(client, 4)
        assert 4 < time.monotonic() - started_s < 20
        n_begun = door.n_waiting
    answer = client.post("/predict", json=click_body(data_uri(4), CLICK))
    assert answer.get_json()["results"][0]["result"]
    assert door.n_waiting == n_begun


def test_small_object_is_answered_from_the_first_look_while_the_encoder_is_busy(
    busy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    crops: list[Crop] = []

    def look_again(*_: object, embed_crop: Callable[[Crop], Embedding]) -> None:
        crops.append(Crop(0, 0, 20, 20))
        embed_crop(crops[-1])

    with busy() as client:
        monkeypatch.setattr(clicks, "second_look", look_again)
        body = click_body(data_uri(1), point_item(20, 30, id="again"))
        assert client.post("/predict", json=body).get_json()["results"][0]["result"]
    assert crops


def test_more_prompts_than_may_come_are_refused_with_a_sentence(start: Callable[..., FlaskClient]) -> None:
    items = [point_item(10 + number, 50, id=str(number)) for number in range(3)]
    answer = start(max_prompts=2).post("/predict", json=click_body(data_uri(1), *items))
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith("3 prompts came at once, and up to 2 are taken")
    assert start(max_prompts=3).post("/predict", json=click_body(data_uri(1), *items)).status_code == 200


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("/predict", {"json": click_body(data_uri(1), CLICK)}, 503),
        ("/try/pictures", {"data": picture_png(1), "content_type": "image/png"}, 429),
        ("/raster/prefetch", {"json": VIEW}, 429),
    ],
)
def test_while_the_model_is_loaded_threads_are_left_for_others(
    predictor: Predictor, path: str, sent: dict[str, Any], status: int
) -> None:
    may_load = threading.Event()

    def load() -> Predictor:
        may_load.wait(30)
        return predictor

    model = ModelLoader("tiny", lambda: predictor.version, load, lambda _: None)
    app = build_app(Settings(threads=2), model)
    model.start()
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(app.test_client().post, path, **sent) for _ in range(2)]
        (refused,), (other,) = wait(both, timeout=25, return_when=FIRST_COMPLETED)
        may_load.set()
        assert refused.result().status_code == status
        assert "as many people as may wait" in refused.result().get_data(as_text=True)
        assert other.result(30).status_code == 200
