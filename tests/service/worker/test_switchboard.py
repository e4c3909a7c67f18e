"""The worker without its process: every line in ends in exactly one last event."""

import json
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sam_backend.errors import CheckpointError
from sam_backend.predict.predictor import Predictor
from sam_backend.service.model_loader import ModelLoader, ModelStatus
from sam_backend.service.worker.event_writer import EventWriter
from sam_backend.service.worker.switchboard import BuildModel, Switchboard, serve

PATIENCE_S = 60.0


class Events:
    """What the worker wrote."""

    def __init__(self) -> None:
        self.ends: Counter[str | None] = Counter()
        self.last: dict[str | None, dict[str, Any]] = {}
        self.told: defaultdict[str | None, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(0))

    def __call__(self, request_id: str | None, record: dict[str, Any]) -> None:
        json.dumps(record, allow_nan=False)
        if record["event"] in ("result", "error"):
            self.ends[request_id] += 1
            self.last[request_id] = record
            self.told[request_id].release()

    def end(self, request_id: str | None) -> dict[str, Any]:
        assert self.told[request_id].acquire(timeout=PATIENCE_S)
        return self.last[request_id]


def model_that(load: Callable[[], Predictor]) -> BuildModel:
    def build(*, on_end: Callable[[ModelStatus], None]) -> ModelLoader:
        return ModelLoader(name="tiny", read_version=lambda: "tiny-1", load=load, on_end=on_end)

    return build


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def board(events: Events, tiny_predictor: Predictor) -> Iterator[Switchboard]:
    board = Switchboard(events, model_that(lambda: tiny_predictor))
    board.start()
    events.end("hello")
    yield board
    board.close()


def line(request_id: str, op: str, **fields: object) -> bytes:
    return json.dumps({"id": request_id, "op": op, **fields}).encode()


def test_a_request_waits_for_the_model_and_hello_doesnt(
    events: Events, tiny_predictor: Predictor, geotiff: Path
) -> None:
    go_on = threading.Event()
    board = Switchboard(events, model_that(lambda: go_on.wait() and tiny_predictor))  # type: ignore[arg-type, return-value]
    board.start()
    try:
        board.take(line("who", "hello"))
        assert events.end("who")["state"] == "loading"
        board.take(line("look", "prefetch", raster=str(geotiff), view_px=[0, 0, 9, 9]))
        board.take(line("run", "run", raster=str(geotiff), output=str(geotiff.with_suffix(".fgb"))))
        board.take(line("look", "hello"))
        assert "a request with the id look still goes on" in events.end(None)["message"]
        board.take(line("stop", "cancel", target="run"))
        assert events.end("stop")["found"]
        assert events.end("run")["state"] == "cancelled"  # at once
    finally:
        go_on.set()
    assert events.end("hello")["state"] == "ready"
    assert events.end("look")["was_known"] is False
    assert events.ends == {"who": 1, "look": 1, None: 1, "stop": 1, "run": 1, "hello": 1}
    board.close()


def test_a_model_that_cant_be_loaded_is_told_at_once_and_with_each_request(events: Events, geotiff: Path) -> None:
    def fails() -> Predictor:
        raise CheckpointError("missing.pth isn't there")

    lines = [
        line("look", "prefetch", raster=str(geotiff), view_px=[0, 0, 9, 9]),
        line("run", "run", raster=str(geotiff), output=str(geotiff.with_suffix(".fgb"))),
        line("who", "hello"),
    ]
    serve(lines, events, model_that(fails))
    assert events.end("hello")["state"] == "failed"
    assert "missing.pth isn't there" in events.last["hello"]["error"]
    for request_id in ("look", "run"):
        error = events.end(request_id)
        assert (error["event"], error["kind"]) == ("error", "model")
        assert "missing.pth isn't there" in error["message"]
    assert events.end("who")["event"] == "result"


def test_clicks_wait_for_no_look_ahead(
    board: Switchboard, events: Events, geotiff: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, see = threading.Event(), board.views.see

    def slowly(view: Any, predictor: Predictor) -> object:  # noqa: ANN401
        if view.source_rect.left_px == 7:
            go_on.wait(PATIENCE_S)
        return see(view, predictor)

    monkeypatch.setattr(board.views, "see", slowly)
    board.take(line("look", "prefetch", raster=str(geotiff), view_px=[7, 0, 30, 30]))
    clicks = {"points_xy": [[300_005, 4_999_995]], "is_foreground": [True]}
    board.take(line("click", "object", raster=str(geotiff), view_px=[0, 0, 30, 30], **clicks))
    assert len(events.end("click")["masks"]) == 3
    assert "look" not in events.last
    go_on.set()
    assert events.end("look")["event"] == "result"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["raster", "view_px", "points_xy", "is_foreground", "box_xyxy", "object", "refine", "picture", "transform"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    data=st.binary(max_size=30).filter(lambda data: b"\n" not in data)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(st.sampled_from([*FIELDS, "target", "output", "journal"]), JSON, max_size=5).flatmap(
        lambda fields: st.sampled_from(["hello", "run", "refilter", "object", "prefetch", "cancel", "sing"]).map(
            lambda op: json.dumps({"id": "x", "op": op, **fields}).encode()
        )
    )
)
def test_whatever_a_line_holds_it_ends_in_one_event_and_the_next_is_answered(
    data: bytes, board: Switchboard, events: Events
) -> None:
    events.ends.clear()
    events.told.clear()
    board.take(data)
    try:
        request_id = orjson.loads(data)["id"]
    except (ValueError, TypeError, KeyError):
        request_id = None
    named = isinstance(request_id, str) and request_id != ""
    assert events.end(request_id if named else None)["event"] in ("result", "error")
    board.take(line("next", "hello"))
    assert events.end("next")["state"] == "ready"
    assert sum(events.ends.values()) == 2


def test_events_are_whole_lines_whatever_they_hold() -> None:
    reading, writing = os.pipe()
    write = EventWriter(writing, on_broken=lambda: pytest.fail("it isn't broken"))
    texts = ["ä", "a\nb", "\udcff", "x" * 100_000]
    writers = [threading.Thread(target=write, args=("id", {"text": text})) for text in texts]
    for writer in writers:
        writer.start()
    with open(reading, "rb") as lines:
        read = [json.loads(lines.readline()) for _ in texts]
        for writer in writers:
            writer.join()
        os.close(writing)
        assert lines.read() == b""
    assert sorted(record["text"] for record in read) == sorted(texts)


def test_nobody_listening_ends_it() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    broken: list[bool] = []
    EventWriter(writing, on_broken=lambda: broken.append(True))(None, {})
    os.close(writing)
    assert broken == [True]
