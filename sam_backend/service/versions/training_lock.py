"""One training at a time, whichever worker or command line began it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sam_backend.errors import StorageError, UnavailableError

_TRIES = 10
_PAUSE_S = 0.02
"""Somebody who only looks holds the lock for microseconds."""


class TrainingUnderWayError(UnavailableError):
    """Another training has to end first."""


@contextmanager
def training_lock(file: Path) -> Iterator[int]:
    """Hold the lock while the ``with`` lasts, or as long as a process lives that inherited it.

    Args:
        file: made if need be.

    Yields:
        Its file descriptor. A child process that is started with it holds the lock too: the system lets go only when
        both have closed it or died, however they die.

    Raises:
        TrainingUnderWayError: somebody else holds it.
        StorageError: the file can't be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError(f"nothing can be kept in {file.parent} ({error.strerror}): set SAM_DATA_FOLDER") from None
    try:
        _take(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def is_locked(file: Path) -> bool:
    """Whether a training is under way."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who look don't see each other
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _take(descriptor: int) -> None:
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        else:
            return
    raise TrainingUnderWayError(
        "another training is under way: wait for its end; the status page and `python -m sam_backend versions` show it"
    )
