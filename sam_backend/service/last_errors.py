"""The last things that went wrong, for the status page: what Label Studio itself doesn't show to anybody."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone

_MAX_SIGNS = 500


@dataclass(frozen=True, slots=True)
class LastError:
    """One failure; the same one many times in a row is one of them."""

    at: str
    """When it last happened: UTC, ISO 8601, to the second."""

    path: str
    """Of the request."""

    status: int
    """HTTP; 200 of a click that ended in a message, or in nothing."""

    message: str
    """What happened and what to do, in one sentence."""

    times: int = 1
    """How often it happened in a row."""


class LastErrors:
    """A ring of failures, newest first, for use from many threads.

    Args:
        capacity: how many are remembered.
        clock: seconds since 1970.
    """

    def __init__(self, capacity: int = 20, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._errors: deque[LastError] = deque(maxlen=capacity)

    def remember(self, path: str, status: int, message: str) -> None:
        """Note a failure; its message is shortened as in the log."""
        at = datetime.fromtimestamp(self._clock(), timezone.utc).isoformat(timespec="seconds")
        error = LastError(at, path[:_MAX_SIGNS], status, message[:_MAX_SIGNS])
        with self._lock:
            if self._errors and replace(self._errors[0], at=at, times=1) == error:
                error = replace(error, times=self._errors.popleft().times + 1)
            self._errors.appendleft(error)

    def newest_first(self) -> list[LastError]:
        """All that are remembered."""
        with self._lock:
            return list(self._errors)
