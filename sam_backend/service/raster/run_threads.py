"""The runs that this worker took on: a thread for each, most of which wait for their turn."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from typing import Protocol

from sam_backend.service.prewarm import step_back
from sam_backend.service.raster.courtesy import Courtesy

_STOP_S = 20.0
"""Longer than a large network takes for a picture on a slow CPU."""


class Work(Protocol):
    """A run that was taken on."""

    def do(self, is_stopping: Callable[[], bool]) -> None:
        """See it through to its end, or to when the worker ends."""


class RunThreads:
    """Starts runs, and ends them in order when the worker ends.

    Args:
        courtesy: through which the runs take their steps.
        on_error: told what a run ended with that nobody expected.
    """

    def __init__(self, courtesy: Courtesy, on_error: Callable[[Exception], None]) -> None:
        self._courtesy = courtesy
        self._on_error = on_error
        self._changed = threading.Condition()
        self._n_busy = 0
        self._is_stopped = False
        self._has_begun = False

    def start(self, work: Work) -> None:
        """Begin with a run; returns at once."""
        with self._changed:
            self._n_busy += 1
            if not self._has_begun:  # not before: this may be imported where a server forks
                self._has_begun = True
                atexit.register(self.stop)
        threading.Thread(target=self._do, args=(work,), name="raster-run", daemon=True).start()

    def stop(self) -> None:
        """Stop all runs, and wait for the model: PyTorch aborts a program that ends in the midst of it."""
        self._is_stopped = True
        self._courtesy.close(_STOP_S)
        with self._changed:
            self._changed.wait_for(lambda: self._n_busy == 0, _STOP_S)

    def _do(self, work: Work) -> None:
        step_back()  # the threads of the run inherit it
        try:
            work.do(lambda: self._is_stopped)
        except Exception as error:  # noqa: BLE001 - the outermost edge of this thread
            self._on_error(error)
        finally:
            with self._changed:
                self._n_busy -= 1
                self._changed.notify_all()
