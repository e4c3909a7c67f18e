"""Asking for runs, and reading what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Ask = Callable[..., tuple[int, Any]]
"""Method, path below /raster and body to status and JSON."""

Download = Callable[[str, Path], dict[str, str]]
"""A run's output to a file; the headers."""

GRID = {"tile_size": 64, "overlap": 16, "points_per_side": 3}
EVERYTHING = {**GRID, "pred_iou_thresh": 0, "stability_score_thresh": 0}


def run_body(raster: Path | str, **changes: object) -> dict[str, object]:
    return {"raster": str(raster), **EVERYTHING, **changes}


def begin(ask: Ask, body: dict[str, object]) -> str:
    status, answer = ask("POST", "/runs", body)
    assert status == 202, answer
    return str(answer["run"])


def all_events(ask: Ask, run: str, timeout_s: float = 60) -> list[dict[str, Any]]:
    """Until the end, by long polls."""
    events: list[dict[str, Any]] = []
    until_s = time.monotonic() + timeout_s
    while not (events and events[-1]["event"] in ("result", "error")):
        assert time.monotonic() < until_s, events
        status, answer = ask("GET", f"/runs/{run}/events?after={len(events)}&wait=1")
        assert status == 200, answer
        events += answer["events"]
        assert answer["next"] == len(events)
    return events
