"""Requests performed: the one door that the worker and the service share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sam_backend
from sam_backend.errors import CancelledError
from sam_backend.geo.protocol.failures import Failure, failure_of
from sam_backend.geo.protocol.host import Host
from sam_backend.geo.protocol.object_answer import answer_object
from sam_backend.geo.protocol.requests import Cancel, Hello, Prefetch, Refilter, Request
from sam_backend.geo.protocol.run_records import outcome_record, results_record
from sam_backend.geo.run.journal import Journal
from sam_backend.geo.run.patience import check_wanted
from sam_backend.geo.run.results import write_results
from sam_backend.geo.run.run_events import Emit
from sam_backend.geo.run.whole_run import RunJob, complete

PROTOCOL = 1

IsCancelled = Callable[[], bool]


def answer(request: Request, host: Host, emit: Emit, is_cancelled: IsCancelled) -> dict[str, Any] | Failure:
    """`perform` a request at the outermost edge: whatever goes wrong is a `Failure`."""
    try:
        return perform(request, host, emit, is_cancelled)
    except Exception as error:  # noqa: BLE001 - the outermost edge; told to who asked, and logged if unexpected
        return failure_of(error)


def perform(request: Request, host: Host, emit: Emit, is_cancelled: IsCancelled) -> dict[str, Any]:
    """Do what a request asks for.

    Args:
        request: of `parse_request`.
        host: what runs it.
        emit: called from this thread and others with what there is to tell meanwhile.
        is_cancelled: asked now and then. A run then ends in a result that says so.

    Returns:
        The fields of its ``result``.

    Raises:
        SamBackendError: of the kind that says what to do; `failure_of` knows what to call it.
    """
    if isinstance(request, Hello):
        return hello_record(host)
    if isinstance(request, Cancel):
        return {"found": host.cancel(request.target)}
    if isinstance(request, RunJob):
        return _run(request, host, emit, is_cancelled)
    check_wanted(is_cancelled)
    if isinstance(request, Refilter):
        return _refilter(request, is_cancelled)
    predictor = host.wait_for_model(is_cancelled)
    if isinstance(request, Prefetch):
        seen = host.views.see(request.view, predictor)
        return {"embed_s": round(seen.embed_s, 4), "read_s": round(seen.read_s, 4), "was_known": seen.was_known}
    return answer_object(request, predictor, host.views)


def hello_record(host: Host) -> dict[str, Any]:
    """Who is there, and how the model stands."""
    model = host.model_facts()
    return {
        "protocol": PROTOCOL,
        "version": sam_backend.__version__,
        "model": model.name,
        "model_version": model.version,
        "device": model.device,
        "state": model.state,
        "error": model.error,
    }


def _run(job: RunJob, host: Host, emit: Emit, is_cancelled: IsCancelled) -> dict[str, Any]:
    job.check()
    try:
        predictor = host.wait_for_model(is_cancelled)
        check_wanted(is_cancelled)
        outcome = complete(job, predictor, emit, is_cancelled)
    except CancelledError:
        return outcome_record(job, None)
    return outcome_record(job, outcome)


def _refilter(request: Refilter, is_cancelled: IsCancelled) -> dict[str, Any]:
    journal = Journal.open_existing(request.journal)
    try:
        written = write_results(journal, request.output, request.results, is_cancelled=is_cancelled)
        n_unanswered = journal.n_unanswered()
    finally:
        journal.close()
    return {"objects": results_record(written, n_unanswered), "output": str(request.output)}
