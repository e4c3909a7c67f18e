"""What it means that a worker has ended without an answer."""

from __future__ import annotations

import re
import signal

from .engine import EngineError, ErrorKind
from .wording import tr

_OUT_OF_MEMORY = re.compile(r"MemoryError|out of memory|DefaultCPUAllocator|std::bad_alloc", re.IGNORECASE)
_NO_ROOM = re.compile(r"No space left on device|ENOSPC|disk is full", re.IGNORECASE)
_NO_MODULE = re.compile(r"No module named '?([\w.]+)'?")


def ended_error(python: str, exit_code: int, stderr: str, *, said_hello: bool) -> EngineError:
    """Say what happened and what to do.

    Args:
        python: path of the worker's Python.
        exit_code: negative: the signal that killed it.
        stderr: the last lines of it.
        said_hello: whether the model had been loaded.
    """
    missing = _NO_MODULE.search(stderr)
    if missing and not said_hello:
        return EngineError(
            ErrorKind.NOT_SET_UP,
            tr(
                "the Python {0} has no {1}: run the algorithm 'Backend status and set-up' of the toolbox to make an "
                "environment that has, or name another one"
            ).format(python, missing[1]),
        )
    if _NO_ROOM.search(stderr):
        return EngineError(
            ErrorKind.STORAGE, tr("the disk is full: make room and run the same again, finished tiles are kept")
        )
    if exit_code == -signal.SIGTERM:
        message = tr("the worker was asked to end from outside: run the same again to go on")
        return EngineError(ErrorKind.ENDED, message)
    if exit_code == -getattr(signal, "SIGKILL", 9) or _OUT_OF_MEMORY.search(stderr):
        return EngineError(
            ErrorKind.OUT_OF_MEMORY,
            tr(
                "the worker was killed, most likely because memory ran out: close other programs or take fewer points "
                "per batch, then run the same again; finished tiles are kept"
            ),
        )
    last = stderr.strip().splitlines()[-1] if stderr.strip() else tr("it said nothing")
    return EngineError(
        ErrorKind.ENDED,
        (
            tr("the worker ended at work with exit code {0} ({1}): run the same again, finished tiles are kept")
            if said_hello
            else tr("the worker ended before the model was loaded with exit code {0} ({1}): run the same again")
        ).format(exit_code, last),
    )
