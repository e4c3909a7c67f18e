"""The runs that this worker took on, by one thread in the background."""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from sam_backend.service.raster.courtesy import Courtesy

_STOP_S = 20.0
"""Longer than a large network takes for a picture on a slow CPU."""


class Work(Protocol):
    """A run that was taken on."""

    def do(self, is_stopping: Callable[[], bool]) -> None:
        """See it through to its end, or to when the worker ends."""


class RunQueue:
    """First come, first served.

    Args:
        courtesy: through which the work takes its steps.
        on_error: told what a piece of work ended with; the next one follows.
    """

    def __init__(self, courtesy: Courtesy, on_error: Callable[[Exception], None]) -> None:
        self._courtesy = courtesy
        self._on_error = on_error
        self._changed = threading.Condition()
        self._waiting: deque[Work] = deque()
        self._is_busy = self._is_stopped = False
        self._thread: threading.Thread | None = None

    def add(self, work: Work) -> None:
        """Queue a run; returns at once."""
        with self._changed:
            self._waiting.append(work)
            if self._thread is None:  # not before: threads don't survive the fork of a server
                self._thread = threading.Thread(target=self._run, name="raster-runs", daemon=True)
                self._thread.start()
                atexit.register(self.stop)
            self._changed.notify_all()

    def stop(self) -> None:
        """Stop the run that goes on, and wait for the model: PyTorch aborts a program that ends in the midst of it.

        Those that wait are let go with the process: all who ask are told that they were interrupted.
        """
        self._is_stopped = True
        self._courtesy.close(_STOP_S)
        with self._changed:
            self._changed.wait_for(lambda: not self._is_busy, _STOP_S)

    def _is_stopping(self) -> bool:
        return self._is_stopped

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting) and not self._is_stopped)
                work = self._waiting.popleft()
                self._is_busy = True
            try:
                work.do(self._is_stopping)
            except Exception as error:  # noqa: BLE001 - the outermost edge of this thread
                self._on_error(error)
            finally:
                with self._changed:
                    self._is_busy = False
                    self._changed.notify_all()
