"""Says hello to an engine in a thread of its own, to see whether settings work before they are kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..engine.engine import Engine, EngineError, Fields, check_hello
from ..text import tr


class Check(QObject):
    """One at a time; its signal arrives in the main thread."""

    ended = pyqtSignal(bool, str)
    """Whether the engine works, and a sentence about it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, make_engine: Callable[[], Engine]) -> None:
        """Begin.

        Args:
            make_engine: makes an engine for this check alone, which is ended after it.
        """
        self._thread = threading.Thread(
            target=self._run, args=(make_engine,), name="segment-anything-check", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Lose interest, and wait for the engine to end."""
        self._was_stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, make_engine: Callable[[], Engine]) -> None:
        try:
            is_fine, text = _say_hello(make_engine(), self._was_stopped.is_set)
        except EngineError as error:
            is_fine, text = False, str(error)
        if not self._was_stopped.is_set():
            self.ended.emit(is_fine, text[:1].upper() + text[1:])


def _say_hello(engine: Engine, is_cancelled: Callable[[], bool]) -> tuple[bool, str]:
    began = time.monotonic()
    try:
        hello = check_hello(engine.call("hello", {}, None, is_cancelled), tr("the backend"))
    finally:
        engine.close()
    return hello.get("state") != "failed", _sentence(hello, time.monotonic() - began)


def _sentence(hello: Fields, seconds: float) -> str:
    if hello.get("state", "ready") != "ready":
        return tr("the backend answers, but its model is {0} ({1})").format(
            hello.get("state"), hello.get("error") or tr("no more is known")
        )
    return tr("works: model {0} on {1}, backend {2}, {3} s").format(
        hello.get("model") or "?", hello.get("device") or "?", hello.get("version") or "?", f"{seconds:.1f}"
    )
