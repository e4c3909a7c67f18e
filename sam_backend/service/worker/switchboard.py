"""Where the worker's requests come in and go to the threads that do them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import orjson

from sam_backend.errors import CheckpointError, RequestError
from sam_backend.geo.protocol.failures import failure_of
from sam_backend.geo.protocol.host import ModelFacts
from sam_backend.geo.protocol.perform import answer, hello_record
from sam_backend.geo.protocol.requests import Cancel, Hello, ObjectRequest, Prefetch, Request, parse_request
from sam_backend.geo.protocol.run_records import end_record, event_record
from sam_backend.geo.protocol.view_book import ViewBook
from sam_backend.geo.run.patience import POLL_S, check_wanted
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.predict.predictor import Predictor
from sam_backend.service.model_loader import ModelLoader, ModelStatus

GREETING = "hello"
"""The id of the first line."""

EMBEDDINGS_BYTES = 512_000_000

Write = Callable[[str | None, dict[str, Any]], None]


class BuildModel(Protocol):
    """Makes the loader of a model, which somebody else starts."""

    def __call__(self, *, on_end: Callable[[ModelStatus], None]) -> ModelLoader:
        """``on_end`` is called when the model is there, or has failed."""
        ...


def serve(lines: Iterable[bytes], write: Write, build_model: BuildModel) -> None:
    """Answer requests, one a line, until they end.

    Args:
        lines: what the client sends.
        write: sends an event of a request.
        build_model: makes the model's loader.
    """
    board = Switchboard(write, build_model)
    board.start()
    for line in lines:
        board.take(line)


class Switchboard:
    """The worker as a `Host`.

    Clicks, looks ahead and runs have a thread each, so that a click waits for no run, and what was asked first of one
    kind is answered first. ``hello`` and ``cancel`` are answered by whoever brings them.
    """

    def __init__(self, write: Write, build_model: BuildModel) -> None:
        self.views = ViewBook(EmbeddingLibrary(EmbeddingCache[Embedding](EMBEDDINGS_BYTES), shared=None))
        self._write = write
        self._model = build_model(on_end=self._greet)
        self._has_model_ended = threading.Event()
        self._stops: dict[str, threading.Event] = {}
        """Of the requests that go on or wait, by id. One thread adds to it, and no step of it takes two."""
        self._clicks, self._looks, self._runs = (
            ThreadPoolExecutor(1, thread_name_prefix=name) for name in ("clicks", "looks", "runs")
        )

    def start(self) -> None:
        """Load the model; returns at once."""
        self._model.start()

    def take(self, line: bytes) -> None:
        """Answer a request, or hand it to the thread that will."""
        request_id: str | None = None
        try:
            record = _record(line)
            request_id = self._new_id(record)
            request = parse_request(record)
        except Exception as error:  # noqa: BLE001 - no line, whatever is in it, ends the process
            self._write(request_id, end_record(failure_of(error)))
            return
        stop = self._stops[request_id] = threading.Event()
        if isinstance(request, Hello | Cancel):
            self._do(request_id, request, stop)
        else:
            self._lane(request).submit(self._do, request_id, request, stop)

    def close(self) -> None:
        """Wait until all that was asked for is answered; a process that ends does without."""
        for lane in (self._clicks, self._looks, self._runs):
            lane.shutdown()

    def model_facts(self) -> ModelFacts:
        """See `Host`."""
        return self._model.status()

    def wait_for_model(self, is_cancelled: Callable[[], bool]) -> Predictor:
        """See `Host`."""
        while not self._has_model_ended.wait(POLL_S):
            check_wanted(is_cancelled)
        status = self._model.status()
        if status.state == "failed":
            raise CheckpointError(f"{status.error}")
        return self._model.wait(0)

    def cancel(self, target: str) -> bool:
        """See `Host`."""
        stop = self._stops.get(target)
        if stop is None:
            return False
        stop.set()
        return True

    def _greet(self, status: ModelStatus) -> None:
        self._write(GREETING, end_record(hello_record(self)))
        self._has_model_ended.set()

    def _new_id(self, record: object) -> str:
        request_id = record.get("id") if isinstance(record, dict) else None
        if not isinstance(request_id, str) or not request_id:
            raise RequestError("a request came without an id: give it some text as its id, to tell answers apart")
        if request_id in self._stops:
            raise RequestError(f"a request with the id {request_id:.60} still goes on: give each an id of its own")
        return request_id

    def _lane(self, request: Request) -> ThreadPoolExecutor:
        if isinstance(request, ObjectRequest):
            return self._clicks
        return self._looks if isinstance(request, Prefetch) else self._runs

    def _do(self, request_id: str, request: Request, stop: threading.Event) -> None:
        outcome = answer(
            request, self, lambda event: self._write(request_id, event_record(event)), is_cancelled=stop.is_set
        )
        del self._stops[request_id]
        self._write(request_id, end_record(outcome))


def _record(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"a line is no JSON ({error}): send one request a line") from None
