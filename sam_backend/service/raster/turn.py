"""One run at a time on a machine, in the order in which they were asked for, whichever worker has them."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sam_backend.service.raster.run_book import RunBook
from sam_backend.service.raster.run_folder import RunFolder

_POLL_S = 0.2


@contextmanager
def turn_of(
    book: RunBook, run: RunFolder, is_cancelled: Callable[[], bool], on_wait: Callable[[int], None]
) -> Iterator[bool]:
    """Wait until a run may begin; the others wait while the ``with`` lasts, or its process lives.

    Args:
        book: of all runs.
        run: which is held.
        is_cancelled: asked five times a second.
        on_wait: told how many runs go before, whenever that changes.

    Yields:
        False if it was cancelled before.
    """
    descriptor = os.open(book.spool.part("turn") / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _waited(descriptor, lambda: book.n_before(run), is_cancelled, on_wait)
    finally:
        os.close(descriptor)


def _waited(
    descriptor: int, count_before: Callable[[], int], is_cancelled: Callable[[], bool], on_wait: Callable[[int], None]
) -> bool:
    n_said = 0
    while not is_cancelled():
        n_before = count_before()
        if n_before == 0 and _locked(descriptor):
            return True
        if n_before not in (0, n_said):
            n_said = n_before
            on_wait(n_before)
        time.sleep(_POLL_S)
    return False


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:  # a run that is being ended
        return False
    return True
