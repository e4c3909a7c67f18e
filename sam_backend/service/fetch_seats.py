"""How many threads of the server may wait for pictures to be fetched: a dead server mustn't take them all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sam_backend.service.busy import BusyError

_RETRY_AFTER_S = 5


class FetchesBusyError(BusyError):
    """So many pictures are being fetched that no thread may wait for another."""


class FetchSeats:
    """For use from many threads.

    Args:
        n_seats: threads that may fetch at once, or wait for a picture that another one fetches.
        wait_s: how long a seat is waited for. Servers that are well give one back much sooner, and whoever asks for
            /health then waits no longer than this: Label Studio gives it 1 s.
    """

    def __init__(self, n_seats: int, wait_s: float = 0.5) -> None:
        self._n_seats, self._wait_s = n_seats, wait_s
        self._free = threading.BoundedSemaphore(n_seats)

    @contextmanager
    def take(self) -> Iterator[None]:
        """While a picture is fetched.

        Raises:
            FetchesBusyError: no seat became free.
        """
        if not self._free.acquire(timeout=self._wait_s):
            raise FetchesBusyError(
                f"as many pictures as may be fetched at once are ({self._n_seats}), since their server answers slowly: "
                "click again in a moment, and look at that server if this lasts",
                _RETRY_AFTER_S,
            )
        try:
            yield
        finally:
            self._free.release()
