"""What it means that a worker has ended without an answer."""

from __future__ import annotations

import re
import signal

from .engine import EngineError, ErrorKind

_SET_UP = "run the algorithm 'Backend status and set-up' of the toolbox"
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
            f"the Python {python} has no {missing[1]}: {_SET_UP} to make an environment that has, or name another one",
        )
    if _NO_ROOM.search(stderr):
        return EngineError(
            ErrorKind.STORAGE, "the disk is full: make room and run the same again, finished tiles are kept"
        )
    if exit_code == -signal.SIGTERM:
        return EngineError(ErrorKind.ENDED, "the worker was asked to end from outside: run the same again to go on")
    if exit_code == -getattr(signal, "SIGKILL", 9) or _OUT_OF_MEMORY.search(stderr):
        return EngineError(
            ErrorKind.OUT_OF_MEMORY,
            "the worker was killed, most likely because memory ran out: close other programs or take fewer points per "
            "batch, then run the same again; finished tiles are kept",
        )
    when = "at work" if said_hello else "before the model was loaded"
    last = stderr.strip().splitlines()[-1] if stderr.strip() else "it said nothing"
    return EngineError(
        ErrorKind.ENDED,
        f"the worker ended {when} with exit code {exit_code} ({last}): run the same again, finished tiles are kept",
    )
