"""What a run tells, as the protocol's JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sam_backend.geo.protocol.failures import Failure
from sam_backend.geo.run.engine import RunSummary
from sam_backend.geo.run.results import ResultSummary
from sam_backend.geo.run.run_events import Event, Log
from sam_backend.geo.run.whole_run import RunJob, RunOutcome

N_DECIMALS = 3
"""Of seconds."""


def event_record(event: Event) -> dict[str, Any]:
    """An event, all but the request's id."""
    if isinstance(event, Log):
        return {"event": "log", **asdict(event)}
    left = event.seconds_left
    seconds = {
        "seconds": round(event.seconds, N_DECIMALS),
        "seconds_left": None if left is None else round(left, N_DECIMALS),
    }
    return {"event": "progress", **asdict(event), **seconds}


def end_record(outcome: dict[str, Any] | Failure) -> dict[str, Any]:
    """The last event of a request, all but its id."""
    if isinstance(outcome, Failure):
        return {"event": "error", **asdict(outcome)}
    return {"event": "result", **outcome}


def outcome_record(job: RunJob, outcome: RunOutcome | None) -> dict[str, Any]:
    """The result of a run; None: it was cancelled before it began. What was cancelled has no objects and no output."""
    results = None if outcome is None else outcome.results
    shift = None if outcome is None else outcome.layer_shift
    return {
        "state": "cancelled" if results is None else "complete",
        "tiles": _tiles_record(None if outcome is None else outcome.summary),
        "objects": None if outcome is None or results is None else results_record(results, outcome.n_unanswered),
        "output": None if results is None else str(job.output),
        "journal": str(job.request.journal),
        **({} if shift is None else {"layer_shift": shift}),
    }


def results_record(written: ResultSummary, n_unanswered: int) -> dict[str, Any]:
    """What was written."""
    return {**asdict(written), "n_unanswered": n_unanswered}


def _tiles_record(summary: RunSummary | None) -> dict[str, Any]:
    if summary is None:
        return {"n_done": 0, "n_empty": 0, "n_left": 0, "failed": []}
    return {
        "n_done": summary.n_done,
        "n_empty": summary.n_empty,
        "n_left": summary.n_left,
        "failed": [{"tile": report.tile.index, "message": report.message} for report in summary.failed],
    }
