"""How the process holds memory that was freed: in one heap, which gives back what a picture's encoding took.

Encoding takes and frees blocks of 25 MB. glibc keeps what was freed in an arena for each thread that has encoded, and
never gives back its end: 115 MB each with the embedded model. Nor is one arena enough: what is kept for long lies
between its gaps, and the next picture's blocks don't fit into them.
"""

from __future__ import annotations

import ctypes
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Of glibc's malloc.h."""

_BLOCK_BYTES = 32 << 20
"""Blocks as large as those of a batch of prompts come from the heap; glibc allows no more."""

_KEPT_BYTES = 256 << 20
"""May lie free at the heap's end: to get it again for each batch of prompts would take a tenth of their time."""


def _glibc() -> Any:  # noqa: ANN401 - ctypes makes functions as they are asked for
    """The C library, if it is glibc; None on macOS, Windows and musl, which go about it in other ways."""
    try:
        library = ctypes.CDLL(None)
        return library if library.malloc_trim and library.mallopt else None
    except (AttributeError, OSError, TypeError):
        return None


_GLIBC = _glibc()


def use_one_heap() -> None:
    """Let all threads that begin from now on take memory from one heap, which keeps what is freed at its end.

    They wait for each other while one takes a block, which is nothing beside what is computed in it.
    """
    if _GLIBC is not None:
        _GLIBC.mallopt(_M_ARENA_MAX, 1)
        _GLIBC.mallopt(_M_MMAP_THRESHOLD, _BLOCK_BYTES)
        _GLIBC.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def give_back_free_memory() -> None:
    """Hand what is free in the heap to the system. Worth its 20 ms once per picture, not after each click."""
    if _GLIBC is not None:
        _GLIBC.malloc_trim(0)
