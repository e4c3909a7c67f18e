"""Calls timed in turn, so that what else the machine does hits all of them alike, beside a matrix product."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import torch

from benchmarks.suite.measurement import Measurement
from benchmarks.suite.memory import peak_mb_of

GEMM_SIDE = 2048
GEMM = "matrix product"

Timed = Callable[[], float]
"""Does its work and tells the seconds it took, wherever it was done."""


@runtime_checkable
class RunsElsewhere(Protocol):
    """A timed call of another process."""

    def seconds_and_peak_mb(self) -> tuple[float, float]:
        """See the function of this name."""
        ...


def clocked(call: Callable[[], object]) -> Timed:
    """A call of this process, by the clock."""

    def timed() -> float:
        started = time.perf_counter()
        call()
        return time.perf_counter() - started

    return timed


def take_turns(
    part: str,
    case: str,
    calls: Mapping[str, Timed],
    n_turns: int,
    *,
    gflop: float | None = None,
    at: float | None = None,
    warm_up: bool = True,
) -> Measurement:
    """Time every call ``n_turns`` times, one after the other.

    Args:
        part: of the suite.
        case: what the calls do.
        calls: by contender.
        n_turns: that count.
        gflop: what the paper's formulas need for it, whoever spares some.
        at: where the case lies on the axis along which its part grows.
        warm_up: whether a first turn doesn't count; long calls need none. Memory is taken in the first turn.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    peak_mb: dict[str, float] = {}
    rates: list[float] = []
    for turn in range(n_turns + warm_up):
        for name, call in calls.items():
            if turn == 0:
                taken_s, peak_mb[name] = seconds_and_peak_mb(call)
            else:
                taken_s = call()
            if turn or not warm_up:
                seconds[name].append(taken_s)
            rates.append(gemm_gflops())
    return Measurement(part, case, seconds, peak_mb, gemm_gflops=_median(rates), gflop=gflop, at=at)


def gemm_gflops() -> float:
    """What the machine's matrix product gives at this moment, in GFLOP/s."""
    square = torch.ones(GEMM_SIDE, GEMM_SIDE)
    return 2 * GEMM_SIDE**3 / 1e9 / clocked(lambda: square @ square)()


def seconds_and_peak_mb(call: Timed) -> tuple[float, float]:
    """Time a call once, and take its memory, in the process that it is of."""
    if isinstance(call, RunsElsewhere):
        return call.seconds_and_peak_mb()
    taken_s: list[float] = []
    peak_mb = peak_mb_of(lambda: taken_s.append(call()))
    return taken_s[0], peak_mb


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
