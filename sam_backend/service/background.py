"""Work that nobody waits for: done by one thread, in the order in which it came."""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable

STOP_S = 5.0
"""What a service that ends still gives to work that waits; gunicorn's own patience is 30 s."""


class Background:
    """A bounded queue and its thread, for use from many threads.

    Args:
        name: of the thread.
        capacity: how much may wait; what comes beyond is refused, so that memory stays bounded.
        on_error: told what a piece of work ended with; the next one follows.
    """

    def __init__(self, name: str, capacity: int, on_error: Callable[[Exception], None]) -> None:
        self._name, self._capacity, self._on_error = name, capacity, on_error
        self._changed = threading.Condition()
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_busy = self._is_stopped = False
        self._thread: threading.Thread | None = None

    def add(self, work: Callable[[], None]) -> bool:
        """Queue a piece of work; returns at once. False if there is no room, or no thread any more."""
        with self._changed:
            if self._is_stopped or len(self._waiting) >= self._capacity:
                return False
            self._waiting.append(work)
            if self._thread is None:  # not before: threads don't survive the fork of a server
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
                atexit.register(self.stop)
            self._changed.notify_all()
            return True

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until all is done; whether that came about in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._is_busy, timeout_s)

    def stop(self) -> None:
        """Take no more work, and give what waits a moment to be done."""
        with self._changed:
            self._is_stopped = True
        self.wait_until_empty(STOP_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                work = self._waiting.popleft()
                self._is_busy = True
            try:
                work()
            except Exception as error:  # noqa: BLE001 - the outermost edge of this thread
                self._on_error(error)
            finally:
                with self._changed:
                    self._is_busy = False
                    self._changed.notify_all()
