"""Who goes first: somebody who clicked, before pictures that are encoded ahead of time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class EncodeLanes:
    """Counts the people who wait. Nothing here holds up a click: only work ahead of time waits."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._n_waiting = 0

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """While somebody waits for an answer."""
        with self._changed:
            self._n_waiting += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_waiting -= 1
                self._changed.notify_all()

    def wait_until_calm(self, timeout_s: float | None = None) -> bool:
        """Wait until nobody waits; whether that came about in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._n_waiting == 0, timeout_s)
