"""Pictures encoded before anybody clicks on them, by one thread that lets everybody else go first."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Hashable
from typing import TypeAlias

from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.waiting_line import WaitingLine

_CAPACITY = 2000
_NICENESS = 10
_STOP_S = 20.0
"""Longer than a large network takes for a picture on a slow CPU."""

Work: TypeAlias = "Callable[[], object]"


class PrewarmQueue:
    """Opened tasks before new ones, the one opened last first: there somebody is about to click.

    Args:
        lanes: says when nobody waits for an answer.
        on_error: told what a piece of work ended with; the next one follows.
    """

    def __init__(self, lanes: EncodeLanes, on_error: Callable[[Exception], None]) -> None:
        self._lanes = lanes
        self._on_error = on_error
        self._changed = threading.Condition()
        self._waiting: WaitingLine[Work] = WaitingLine(_CAPACITY)
        self._is_busy = self._is_stopped = False
        self._thread: threading.Thread | None = None

    def add(self, key: Hashable, work: Work, *, is_opened: bool) -> bool:
        """Queue a piece of work; returns at once. What was queued under the same key is forgotten.

        Returns:
            False if the queue is full, or stopped: then tasks are encoded when they are opened.
        """
        with self._changed:
            if self._is_stopped:
                return False
            if not self._waiting.add(key, work, is_opened=is_opened):
                return False
            if self._thread is None:  # not before: threads don't survive the fork of a server
                self._thread = threading.Thread(target=self._run, name="prewarm", daemon=True)
                self._thread.start()
                atexit.register(self.stop)
            self._changed.notify_all()
            return True

    def __len__(self) -> int:
        """Pieces of work that wait."""
        with self._changed:
            return len(self._waiting)

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until all is done; whether that came about in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._is_busy, timeout_s)

    def stop(self) -> None:
        """Forget what waits, and wait for what is being done: PyTorch aborts a program that ends in the midst of it."""
        with self._changed:
            self._is_stopped = True
            self._waiting.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._is_busy, _STOP_S)

    def _run(self) -> None:
        step_back()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
            self._lanes.wait_until_calm()
            with self._changed:
                if not self._waiting:
                    continue
                work = self._waiting.pop()  # the first now: somebody may have opened another since
                self._is_busy = True
            try:
                work()
            except Exception as error:  # noqa: BLE001 - the outermost edge of this thread
                self._on_error(error)
            finally:
                with self._changed:
                    self._is_busy = False
                    self._changed.notify_all()


def step_back() -> None:
    """Let the system prefer all other threads; PyTorch's helpers of this one inherit it. Linux counts by thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
