"""The engine as a service on another machine, or on this one."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Mapping
from typing import Callable

from .engine import EngineError, ErrorKind, Fields, IsCancelled, OnEvent, check_hello
from .http_client import HttpClient
from .wording import tr

_INPUTS = ("raster", "prompts", "area")
"""Fields that are paths of files to read."""

_ELSEWHERE = ("output", "journal")
"""Fields that a server decides itself; a run that is asked for again finds its journal by its other fields."""

_WAIT_S = 0.5
"""How long the server may keep a question for events; a cancel waits for no longer."""

_MINUTES_S = 600.0
_POLL_S = 0.1


class Server:
    """Speaks to ``/raster/...``. Files that the server doesn't see are sent once."""

    def __init__(
        self, url: str, token: str | None = None, shared_folders: str = "", proxies: Mapping[str, str] | None = None
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: of the service.
            token: None or empty where it wants none.
            shared_folders: that the server sees too, with ``;`` between: ``/data`` or ``/mnt/data=/data`` (here=there).
            proxies: see `HttpClient`.

        Raises:
            EngineError: that is no URL of HTTP.
        """
        self._client = HttpClient(url, token, proxies)
        self._folders = _parsed_folders(shared_folders)
        self._sent: dict[tuple[str, int, int], str] = {}
        self._sending = threading.Lock()

    def call(
        self, op: str, fields: Fields, on_event: OnEvent | None = None, is_cancelled: IsCancelled | None = None
    ) -> Fields:
        """See `Engine.call`."""
        is_cancelled = is_cancelled or _never
        given = {name: value for name, value in fields.items() if value is not None}
        try:
            return self._answer(op, given, on_event, is_cancelled)
        except EngineError as error:
            if not self._forgot_upload(error):
                raise
            return self._answer(op, given, on_event, is_cancelled)

    def sees(self, path: str) -> bool:
        """See `Engine.sees`."""
        return any(_is_below(path, here) for here, _ in self._folders)

    def close(self) -> None:
        """See `Engine.close`: what the server knows of us it forgets by itself."""

    def answers(self, seconds: float) -> bool:
        """Whether a backend of our version says hello in time."""
        try:
            check_hello(self._client.ask("POST", "/raster/hello", {}, seconds), self._client.url)
        except EngineError as error:
            return error.kind not in (ErrorKind.NO_SERVER, ErrorKind.UNAVAILABLE)
        return True

    def _answer(self, op: str, given: Fields, on_event: OnEvent | None, is_cancelled: IsCancelled) -> Fields:
        there = {
            name: self._seen_path(str(value), is_cancelled) if name in _INPUTS else value
            for name, value in given.items()
        }
        if op == "run":
            return self._run(there, on_event, is_cancelled)
        if op == "refilter":
            return self._refilter(there, is_cancelled)
        answer = self._asked(f"/raster/{op}", there, is_cancelled)
        return check_hello(answer, tr("the server {0}").format(self._client.url)) if op == "hello" else answer

    def _run(self, fields: Fields, on_event: OnEvent | None, is_cancelled: IsCancelled) -> Fields:
        output = str(fields["output"])
        asked = {name: value for name, value in fields.items() if name not in _ELSEWHERE}
        run = str(self._client.ask("POST", "/raster/runs", {**asked, "format": _format_of(output)})["run"])
        result = self._result_of(run, on_event, is_cancelled)
        if result.get("objects"):
            self._client.download(f"/raster/runs/{run}/output", output)
        return {**result, "output": output}

    def _refilter(self, fields: Fields, is_cancelled: IsCancelled) -> Fields:
        output = str(fields["output"])
        asked = {name: value for name, value in fields.items() if name != "output"}
        result = self._asked("/raster/refilter", {**asked, "format": _format_of(output)}, is_cancelled)
        self._client.download(f"/raster/runs/{str(result['output']).partition(':')[2]}/output", output)
        return {**result, "output": output}

    def _asked(self, path: str, fields: Fields, is_cancelled: IsCancelled) -> Fields:
        return _bare(_abandoned_on_cancel(lambda: self._client.ask("POST", path, fields, _MINUTES_S), is_cancelled))

    def _result_of(self, run: str, on_event: OnEvent | None, is_cancelled: IsCancelled) -> Fields:
        n_known, was_cancelled = 0, False
        while True:
            if is_cancelled() and not was_cancelled:
                self._client.ask("DELETE", f"/raster/runs/{run}")
                was_cancelled = True
            answer = self._client.ask("GET", f"/raster/runs/{run}/events?after={n_known}&wait={_WAIT_S}")
            for event in answer["events"]:
                kind = event.get("event")
                if kind == "result":
                    return _bare(event)
                if kind == "error":
                    raise EngineError(str(event.get("kind", ErrorKind.INTERNAL)), str(event.get("message", "")))
                if on_event is not None:
                    on_event(event)
            n_known = int(answer["next"])

    def _seen_path(self, file: str, is_cancelled: IsCancelled) -> str:
        """What the server calls a file of this machine; sends it where the server doesn't see it."""
        for here, there in self._folders:
            inside = os.path.relpath(os.path.abspath(file), here) if _is_below(file, here) else None
            if inside is not None:
                return there.rstrip("/") + "/" + inside.replace(os.sep, "/")
        state = os.stat(file)
        key = (os.path.abspath(file), state.st_size, state.st_mtime_ns)
        with self._sending:
            if key not in self._sent:
                self._sent[key] = self._client.upload(file, is_cancelled)
            return self._sent[key]

    def _forgot_upload(self, error: EngineError) -> bool:
        """Whether the server has lost a file that was sent before; it is sent again next time."""
        with self._sending:
            lost = [key for key, path in self._sent.items() if path in str(error)]
            for key in lost:
                del self._sent[key]
        return bool(lost)


def _bare(event: Fields) -> Fields:
    return {name: value for name, value in event.items() if name not in ("id", "event")}


def _format_of(path: str) -> str:
    return os.path.splitext(path)[1].lstrip(".").lower()


def _parsed_folders(text: str) -> list[tuple[str, str]]:
    pairs = [part.strip().partition("=") for part in text.split(";") if part.strip()]
    return [(os.path.abspath(here), there or here) for here, _, there in pairs]


def _is_below(file: str, folder: str) -> bool:
    return os.path.abspath(file).startswith(os.path.join(folder, ""))


def _never() -> bool:
    return False


def _abandoned_on_cancel(ask: Callable[[], Fields], is_cancelled: IsCancelled) -> Fields:
    """What a question brings, or an error as soon as nobody wants to know any more."""
    answers: queue.SimpleQueue[Fields | EngineError] = queue.SimpleQueue()

    def wait() -> None:
        try:
            answers.put(ask())
        except EngineError as error:
            answers.put(error)

    threading.Thread(target=wait, name="segment-anything-request", daemon=True).start()
    while True:
        try:
            answer = answers.get(timeout=_POLL_S)
        except queue.Empty:
            if is_cancelled():
                raise EngineError(ErrorKind.CANCELLED, tr("stopped before there was a result")) from None
            continue
        if isinstance(answer, EngineError):
            raise answer
        return answer
