"""How the process holds memory that was freed: in one heap, which gives back what a picture's encoding took.

Encoding takes and frees blocks of 25 MB. glibc keeps what was freed in an arena for each thread that has encoded, and
never gives back its end: 115 MB each with the embedded model. Nor is one arena enough: what is kept for long lies
between its gaps, and the next picture's blocks don't fit into them.
"""

from __future__ import annotations

import ctypes
from typing import Any

_M_ARENA_MAX = -8
"""Of glibc's malloc.h."""


def _glibc() -> Any:  # noqa: ANN401 - ctypes makes functions as they are asked for
    """The C library, if it is glibc; None on macOS, Windows and musl, which go about it in other ways."""
    try:
        library = ctypes.CDLL(None)
        return library if library.malloc_trim and library.mallopt else None
    except (AttributeError, OSError, TypeError):
        return None


_GLIBC = _glibc()


def use_one_heap() -> None:
    """Let all threads that begin from now on take memory from one heap.

    They wait for each other while one takes a block, which is nothing beside what is computed in it.
    """
    if _GLIBC is not None:
        _GLIBC.mallopt(_M_ARENA_MAX, 1)


def give_back_free_memory() -> None:
    """Hand what is free in the heap to the system. Worth its 20 ms once per picture, not after each click."""
    if _GLIBC is not None:
        _GLIBC.malloc_trim(0)
