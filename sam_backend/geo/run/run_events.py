"""What a run tells while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Stage = Literal["tiles", "healing", "writing"]
LEAST_PAUSE_S = 0.1
"""Between two events of progress."""


@dataclass(frozen=True, slots=True)
class Log:
    """One sentence for people."""

    level: Literal["info", "warning"]
    message: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands; the counts are of tiles in every stage."""

    stage: Stage
    n_tiles: int
    n_finished: int
    n_failed: int
    n_findings: int
    """Since this start."""

    seconds: float
    """Since this start."""

    seconds_left: float | None
    """Of this stage, by the pace so far; None where nobody can tell."""


Event: TypeAlias = Log | Standing
Emit: TypeAlias = Callable[[Event], None]


def at_most_ten_a_second(emit: Emit) -> Emit:
    """Pass events on, but of standings within a stage only one in `LEAST_PAUSE_S`, and the last."""
    last: dict[Stage, float] = {}

    def passed_on(event: Event) -> None:
        if isinstance(event, Standing):
            now_s = time.monotonic()
            is_last = event.n_finished + event.n_failed == event.n_tiles
            if now_s - last.get(event.stage, -LEAST_PAUSE_S) < LEAST_PAUSE_S and not is_last:
                return
            last[event.stage] = now_s
        emit(event)

    return passed_on
