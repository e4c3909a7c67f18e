"""How much memory a call needs at its peak, above what the process held before it. Linux: it reads ``/proc``."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

_STATUS, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_HIGH_WATER = "5"  # proc(5)


def peak_mb_of(call: Callable[[], object]) -> float:
    """Run a call; megabytes of its peak above the memory held before, which freed memory is no part of."""
    ctypes.CDLL(None).malloc_trim(0)
    _CLEAR_REFS.write_text(_RESET_HIGH_WATER)
    before = _mb("VmRSS")
    call()
    return max(0.0, _mb("VmHWM") - before)


def _mb(field: str) -> float:
    return int(_STATUS.read_text().split(f"{field}:")[1].split()[0]) / 1024
