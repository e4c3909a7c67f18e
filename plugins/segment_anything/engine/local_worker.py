"""The engine as a process of its own on this machine: requests and events are lines of JSON."""

from __future__ import annotations

import collections
import itertools
import json
import queue
import threading
import time
from collections.abc import Iterator
from typing import IO

from .engine import EngineError, ErrorKind, Fields, IsCancelled, OnEvent, check_hello
from .wording import tr
from .worker_end import ended_error
from .worker_process import backend_command, end, start

_HELLO = "hello"
"""The id of the worker's first line."""

_KEEPS_SOMETHING = ("run", "refilter")
"""Operations whose end is worth waiting for after a cancel."""

_POLL_S = 0.1
_CANCEL_PATIENCE_S = 8.0
"""How long such an end may take (a run writes its objects then) before the worker is made to end."""

_LOG_LINES = 40


class LocalWorker:
    """Starts ``python -m sam_backend worker`` at the first call, keeps it, and starts it anew after it has ended."""

    def __init__(self, python: str, source_folder: str = "", model: str = "", device: str = "") -> None:
        """Nothing is started yet.

        Args:
            python: path of the Python that has the backend.
            source_folder: that holds ``sam_backend``; empty where it is installed.
            model: name or file of the weights; empty: the default.
            device: ``cpu``, ``cuda`` ...; empty: the best there is.
        """
        options = [*(["--model", model] if model else []), *(["--device", device] if device else [])]
        self._command = backend_command(python, source_folder, ["worker", *options])
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def call(
        self, op: str, fields: Fields, on_event: OnEvent | None = None, is_cancelled: IsCancelled | None = None
    ) -> Fields:
        """See `Engine.call`."""
        running = self._started()
        running.wait_for_hello(is_cancelled)
        return running.ask(op, fields, on_event, is_cancelled)

    def sees(self, path: str) -> bool:
        """See `Engine.sees`."""
        return True

    def close(self) -> None:
        """See `Engine.close`."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.close()

    @property
    def pid(self) -> int | None:
        """Of the worker; None where none runs."""
        with self._lock:
            return None if self._running is None or self._running.has_ended else self._running.process.pid

    def _started(self) -> _Running:
        with self._lock:
            if self._running is None or self._running.has_ended:
                self._running = _Running(self._command)
            return self._running


class _Request:
    """One that waits for its end. An event of None: the process has ended."""

    def __init__(self, number: str) -> None:
        self.number = number
        self.events: queue.SimpleQueue[Fields | None] = queue.SimpleQueue()

    def polled(self) -> Iterator[Fields | None]:
        """Events as they come, and an empty one where a moment brought none."""
        while True:
            try:
                yield self.events.get(timeout=_POLL_S)
            except queue.Empty:
                yield {}


class _Running:
    """One process and the requests that wait for it."""

    def __init__(self, command: list[str]) -> None:
        self._python = command[0]
        try:
            self.process = start(command)
        except OSError as error:
            raise EngineError(
                ErrorKind.NOT_SET_UP,
                tr(
                    "the Python {0} can't be started ({1}): name another one under Settings > Options > Segment "
                    "Anything, or let the algorithm 'Backend status and set-up' make one"
                ).format(self._python, error.strerror),
            ) from error
        self.has_ended = False
        self._was_closed = False
        self._numbers = map(str, itertools.count(1))
        self._write_lock = threading.Lock()
        self._waiting_lock = threading.Lock()
        self._waiting: dict[str, _Request] = {}
        self._hello: Fields | None = None
        self._log: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        self._threads = [
            threading.Thread(target=self._read_events, name="segment-anything-events", daemon=True),
            threading.Thread(target=self._read_log, name="segment-anything-log", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def wait_for_hello(self, is_cancelled: IsCancelled | None) -> None:
        """Wait until the model is there. A caller who gives up leaves it loading, for the next one."""
        while self._hello is None:
            if self.has_ended:
                raise self._ended_error()
            if is_cancelled is not None and is_cancelled():
                raise EngineError(ErrorKind.CANCELLED, tr("stopped while the model was loading"))
            time.sleep(_POLL_S / 2)
        if self._hello.get("event") == "error":
            raise EngineError(str(self._hello.get("kind", ErrorKind.INTERNAL)), str(self._hello.get("message", "")))
        check_hello(self._hello, self._python)

    def ask(self, op: str, fields: Fields, on_event: OnEvent | None, is_cancelled: IsCancelled | None) -> Fields:
        """Send a request and wait for its end."""
        request = _Request(next(self._numbers))
        with self._waiting_lock:
            self._waiting[request.number] = request
            if self.has_ended:
                request.events.put(None)
        try:
            given = {name: value for name, value in fields.items() if value is not None}
            self._send({**given, "id": request.number, "op": op})
            for event in self._events(request, op in _KEEPS_SOMETHING, is_cancelled):
                kind = event.get("event")
                if kind == "result":
                    return {name: value for name, value in event.items() if name not in ("id", "event")}
                if kind == "error":
                    raise EngineError(str(event.get("kind", ErrorKind.INTERNAL)), str(event.get("message", "")))
                if on_event is not None:
                    on_event(event)
            raise self._ended_error()
        finally:
            with self._waiting_lock:
                del self._waiting[request.number]

    def close(self) -> None:
        """End the process and wait until its pipes are drained."""
        self._was_closed = True
        end(self.process)
        for thread in self._threads:
            thread.join()

    def _events(self, request: _Request, keeps_something: bool, is_cancelled: IsCancelled | None) -> Iterator[Fields]:
        """Those of a request until the process ends; cancels it where the caller wants that."""
        cancelled_at: float | None = None
        for event in request.polled():
            if event:
                yield event
            elif event is None:
                return
            if cancelled_at is None and is_cancelled is not None and is_cancelled():
                cancelled_at = time.monotonic()
                self._send({"id": f"cancel {request.number}", "op": "cancel", "target": request.number})
            if cancelled_at is None:
                continue
            if not keeps_something:
                raise EngineError(ErrorKind.CANCELLED, tr("stopped before there was a result"))
            if time.monotonic() - cancelled_at > _CANCEL_PATIENCE_S:
                self.close()

    def _ended_error(self) -> EngineError:
        if self._was_closed:
            return EngineError(ErrorKind.CANCELLED, tr("the worker was ended before there was a result"))
        for thread in self._threads:
            thread.join()  # all that it said is read then
        return ended_error(self._python, self.process.wait(), "\n".join(self._log), said_hello=self._hello is not None)

    def _send(self, request: Fields) -> None:
        line = json.dumps(request).encode() + b"\n"
        try:
            with self._write_lock:
                self.process.stdin.write(line)  # type: ignore[union-attr]
                self.process.stdin.flush()  # type: ignore[union-attr]
        except (OSError, ValueError):
            return  # it has ended: whoever waits is told so by the end of its events

    def _read_events(self) -> None:
        stream: IO[bytes] = self.process.stdout  # type: ignore[assignment]
        for line in stream:
            self._take(line)
        stream.close()
        self.process.wait()
        self._close_stdin()
        with self._waiting_lock:
            self.has_ended = True
            for request in self._waiting.values():
                request.events.put(None)

    def _take(self, line: bytes) -> None:
        event = _parsed(line)
        if event is None:
            self._log.append(line.decode(errors="replace").rstrip())
        elif event.get("id") == _HELLO:
            self._hello = event
        else:
            with self._waiting_lock:
                request = self._waiting.get(str(event.get("id")))
            if request is not None:  # else nobody waits any more
                request.events.put(event)

    def _read_log(self) -> None:
        stream: IO[bytes] = self.process.stderr  # type: ignore[assignment]
        for line in stream:
            self._log.append(line.decode(errors="replace").rstrip())
        stream.close()

    def _close_stdin(self) -> None:
        try:
            self.process.stdin.close()  # type: ignore[union-attr]
        except OSError:
            return  # what was still to be written has no reader any more


def _parsed(line: bytes) -> Fields | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
