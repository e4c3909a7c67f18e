import base64
import gc
import threading
import time
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click_bodies import PICTURE_HW, click_body, point_item, recorded
from flask.testing import FlaskClient
from people import data_uri as uri_of

from sam_backend.label_studio.request import parse_predict_request
from sam_backend.masks.rle_brush import decode_brush_rle
from sam_backend.predict.predictor import Predictor
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.prewarm import PrewarmQueue
from sam_backend.service.unprompted import UnpromptedAnswerer
from sam_backend.types import Prompts

NEW_HW = (30, 40)
"""Of no other test: work ahead of time may outlive the test that began it."""

CONFIG = (
    '<View><BrushLabels name="tag" toName="image"><Label value="Object"/></BrushLabels>'
    '<RectangleLabels name="box" toName="image"><Label value="Object"/></RectangleLabels>'
    '<Image name="image" value="$image"/></View>'
)


def _rectangle(x: float = 25, y: float = 50) -> dict[str, Any]:
    value = {"x": x, "y": y, "width": 50, "height": 25, "rotation": 0, "rectanglelabels": ["Object"]}
    return {**point_item(0, 0), "type": "rectanglelabels", "from_name": "box", "id": f"{x}", "value": value}


def _task(task_id: int, uri: str, *rectangles: dict[str, Any]) -> dict[str, Any]:
    predictions = [{"result": list(rectangles), "model_version": "imported"}] if rectangles else []
    return {"id": task_id, "data": {"image": uri}, "annotations": [], "predictions": predictions}


def _body(*tasks: dict[str, Any]) -> dict[str, Any]:
    return {"tasks": list(tasks), "project": "1.2", "label_config": CONFIG, "params": {"context": None}}


def _results(client: FlaskClient, body: dict[str, Any]) -> list[Any]:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["results"]


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    """Which thread encoded what."""
    done: list[tuple[str, tuple[int, ...]]] = []
    embed = Predictor.embed

    def record(self: Predictor, image: np.ndarray) -> object:
        done.append((threading.current_thread().name, image.shape))
        return embed(self, image)

    monkeypatch.setattr(Predictor, "embed", record)
    return done


def _wait_for(condition: Callable[[], object]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it never came about")


def _open_s(client: FlaskClient, uri: str) -> float:
    started_s = time.perf_counter()
    assert _results(client, _body(_task(1, uri))) == []
    return time.perf_counter() - started_s


def test_opened_task_is_answered_at_once_and_encoded_in_the_background(client: FlaskClient, encoded: list[Any]) -> None:
    data_uri = uri_of(1, NEW_HW)
    _results(client, _body())  # imports and the model are there
    assert min(_open_s(client, data_uri) for _ in range(5)) < 0.2  # the best: the machine may have other work
    _wait_for(lambda: ("prewarm", (*NEW_HW, 3)) in encoded)
    assert _results(client, click_body(data_uri, point_item(45, 50)))[0]["result"]
    assert sum(image_hw == (*NEW_HW, 3) for _, image_hw in encoded) == 1


def test_opened_task_with_rectangles_gets_their_masks_the_next_time(
    client: FlaskClient, predictor: Predictor, picture: np.ndarray, data_uri: str
) -> None:
    body = _body(_task(1, data_uri, _rectangle(), _rectangle(10, 10)))
    assert _results(client, body) == []
    found: list[Any] = []
    _wait_for(lambda: found.extend(_results(client, body)) or found)
    regions = found[0]["result"]
    assert found[0]["model_version"] == predictor.version
    wanted = predictor.segment(predictor.embed(picture), Prompts.of(box_xyxy=(20, 30, 60, 45)), multimask=False)
    np.testing.assert_array_equal(decode_brush_rle(regions[0]["value"]["rle"], PICTURE_HW), wanted.masks[0])
    assert [region["type"] for region in regions] == ["brushlabels", "brushlabels"]
    changed = _body(_task(1, data_uri, _rectangle(30, 30)))
    assert _results(client, changed) == []


class _Traced(dict[str, Any]):
    """A region that can be asked after without being held."""


def test_what_waits_holds_no_annotation_and_no_draft() -> None:
    """Of an opened task they may be megabytes, and two thousand pictures may wait."""
    lanes, made = EncodeLanes(), list[tuple[Any, ...]]()
    queue = PrewarmQueue(lanes, on_error=lambda error: pytest.fail(str(error)))
    embedder = SimpleNamespace(
        model=SimpleNamespace(status=lambda: SimpleNamespace(version=None)), see=lambda *asked: made.append(asked)
    )
    answerer = UnpromptedAnswerer(embedder, None, queue, lanes)  # type: ignore[arg-type]
    mask, box = _Traced(type="brushlabels"), _rectangle()
    task = {
        **_task(1, "a.png"),
        "annotations": [_Traced(result=[mask, box])],
        "drafts": [_Traced(result=[mask])],
        "predictions": [_Traced(result=[mask])],
    }
    traces = [weakref.ref(one) for one in (mask, *task["annotations"], *task["drafts"], *task["predictions"])]
    body = _body(task)
    with lanes.urgent():
        assert answerer.answer(parse_predict_request(body)) == []
        assert len(queue) == 1
        del mask, task, body
        gc.collect()
        assert [trace() for trace in traces] == [None] * 4
        queue.stop()


def test_batch_has_an_entry_per_task_in_order_and_a_broken_picture_spoils_only_its_own(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    broken = "data:image/png;base64," + base64.b64encode(b"no picture").decode()
    tasks = [
        _task(1, uri_of(1), _rectangle()),
        _task(2, broken, _rectangle()),
        _task(3, uri_of(3)),
        _task(4, uri_of(4), _rectangle()),
    ]
    first, second, third, fourth = _results(client, _body(*tasks))
    assert second == third == []  # Label Studio stores nothing for them
    assert len(first["result"]) == len(fourth["result"]) == 1
    assert first["result"][0]["value"] != fourth["result"][0]["value"]
    assert "predict_failed task=2" in caplog.text
    assert _results(client, _body(tasks[0])) == [first]


def test_batch_over_budget_has_exactly_one_entry(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [_task(number, uri_of(number), _rectangle()) for number in range(3)]
    first, _ = _results(client, _body(*tasks[:2]))
    monkeypatch.setattr("sam_backend.service.unprompted._BATCH_S", 0.0)
    assert _results(client, _body(*tasks)) == [first]
    assert first["result"]


def test_new_tasks_are_encoded_in_the_background(
    client: FlaskClient, encoded: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "sam_backend")
    body = recorded("webhook_tasks_created")
    body["tasks"][0]["data"]["image"] = uri_of(1, NEW_HW)
    assert client.post("/webhook", json=body).get_json() == {}
    _wait_for(lambda: caplog.text.count("prewarm_failed") == 2)  # the other two pictures can't be had
    _wait_for(lambda: encoded)
    assert [one for one in encoded if one[1] == (*NEW_HW, 3)] == [("prewarm", (*NEW_HW, 3))]
    assert "tasks_created tasks=3 queued=3" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"action": "TASKS_CREATED"}, id="no tasks"),
        pytest.param({"action": "TASKS_CREATED", "tasks": [1], "project": 3}, id="no objects"),
        pytest.param({"action": "TASKS_CREATED", "tasks": [], "project": {"label_config": "<"}}, id="no XML"),
    ],
)
def test_news_of_tasks_that_can_not_be_read_is_passed_over(client: FlaskClient, body: object) -> None:
    assert client.post("/webhook", json=body).status_code == 200
