"""A run from what is asked for to the written file: begun or gone on with, tiles, second looks, results."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from sam_backend.errors import CancelledError, OptionsError, RasterError
from sam_backend.geo.alignment import Alignment
from sam_backend.geo.raster import open_raster
from sam_backend.geo.read_plan import ReadPlan
from sam_backend.geo.run.engine import Progress, RunSummary, summarise
from sam_backend.geo.run.journal import Journal, check_replaceable
from sam_backend.geo.run.old_outlines import check_comparable, layer_shift
from sam_backend.geo.run.own_files import check_apart
from sam_backend.geo.run.patience import check_wanted, wait_for
from sam_backend.geo.run.prompt_alignment import align_prompts
from sam_backend.geo.run.raster_run import RasterRun
from sam_backend.geo.run.reading import plan_of
from sam_backend.geo.run.result_options import ResultOptions
from sam_backend.geo.run.results import ResultSummary, check_results, write_results
from sam_backend.geo.run.run_events import Emit, Log, Stage, Standing, at_most_ten_a_second
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.geo.run.survey import check_measurable
from sam_backend.geo.run.tile_stream import TileStream
from sam_backend.geo.vector_export import format_of
from sam_backend.predict.predictor import Predictor


class Start(Enum):
    """What to do about a journal that lies where the run's goes."""

    AUTO = "auto"
    """Go on with it if it is of the same settings, else begin anew."""

    NEW = "new"
    """Refuse to touch it."""

    RESUME = "resume"
    """Go on with it; there must be one, of the same settings."""

    RESTART = "restart"
    """Begin anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJob:
    """A run, and what is to become of it."""

    request: RunRequest
    output: Path
    results: ResultOptions
    start: Start = Start.AUTO
    heals: bool = True

    def check(self) -> None:
        """See what can be seen without the model: rather now than after hours of work.

        Raises:
            SamBackendError: of the kind that says what to do.
        """
        request = self.request
        check_apart(
            {"output": self.output, "journal": request.journal},
            {"raster": request.raster, "prompts": request.prompts, "area": request.area_of_interest},
        )
        check_replaceable(request.journal)
        if self.results.compares:
            check_comparable(request.prompts, request.prompt_kind)
        with open_raster(request.raster) as opened:
            format_of(self.output, opened.crs)
            check_measurable(self.results, opened.crs, opened.transform, (opened.width, opened.height))
        if not self.output.parent.is_dir():
            raise OptionsError(f"{self.output} lies in a folder that doesn't exist: make it first")
        if self.start is Start.NEW and request.journal.exists():
            raise RasterError(
                f"a run has left its journal at {request.journal}: resume goes on with it, restart begins anew, "
                "and refilter writes its objects once more"
            )


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How it ended. A run that was cancelled has written no results; `refilter` makes some of its journal."""

    summary: RunSummary

    results: ResultSummary | None
    """None if it was cancelled."""

    n_unanswered: int
    """Features of the layer of prompts that no object answers."""

    layer_shift: dict[str, Any] | None = None
    """See `old_outlines.layer_shift`."""

    @property
    def is_cancelled(self) -> bool:
        """Whether it was."""
        return self.results is None


def complete(
    job: RunJob,
    predictor: Predictor,
    emit: Emit,
    is_cancelled: Callable[[], bool],
    open_stream: Callable[[RasterRun], TileStream | None] = lambda _: None,
) -> RunOutcome:
    """Do all of a run.

    Args:
        job: what is asked for.
        predictor: the model.
        emit: called with what there is to tell, at most ten times a second.
        is_cancelled: asked ten times a second; finished tiles and second looks are kept.
        open_stream: says where the tiles are worked on; None: in this process.

    Raises:
        CancelledError: it was, before there was a journal.
        SamBackendError: of the kind that says what to do.
    """
    job.check()
    job = _aligned(job, emit, is_cancelled)
    run = _begun(job, predictor)
    try:
        check_results(run.journal, job.output, job.results)
        results = _worked(job, run, open_stream(run), _Teller(run, at_most_ten_a_second(emit)), is_cancelled)
    except CancelledError:
        results = None
    try:
        journal = run.journal
        return RunOutcome(summarise(journal, run.tiles), results, journal.n_unanswered(), layer_shift(journal))
    finally:
        run.journal.close()


def _aligned(job: RunJob, emit: Emit, is_cancelled: Callable[[], bool]) -> RunJob:
    """With the layer of old outlines laid where it fits the picture; only where they are compared."""
    if not job.results.compares:
        return job
    alignment = align_prompts(job.request, _plan(job), is_cancelled)
    emit(Log("info", _about(alignment)))
    return replace(job, request=replace(job.request, alignment=alignment))


def _plan(job: RunJob) -> ReadPlan:
    if job.start is not Start.RESUME:
        return plan_of(job.request)
    journal = Journal.open_existing(job.request.journal)
    journal.close()
    return ReadPlan.from_json(journal.settings.read_plan)


def _about(alignment: Alignment) -> str:
    right, down = alignment.shift_xy_px
    if alignment.n_outlines == 0:
        return (
            "whether the whole layer lies off can't be told: its outlines are too few, or the picture's edges disagree"
        )
    if (right, down) == (0.0, 0.0):
        return f"the layer lies where the picture's edges are, by {alignment.n_outlines} of its outlines"
    return (
        f"the layer lies off: moved {right:g} px to the right and {down:g} px down it fits the picture's edges, by "
        f"{alignment.n_outlines} of its outlines; its objects are looked for there"
    )


def _begun(job: RunJob, predictor: Predictor) -> RasterRun:
    if job.start is Start.RESUME:
        return RasterRun.resume(job.request, predictor)
    if job.start is Start.AUTO and job.request.journal.exists():
        return RasterRun.resume_or_begin(job.request, predictor)
    return RasterRun.begin(job.request, predictor)


def _worked(
    job: RunJob, run: RasterRun, stream: TileStream | None, tell: _Teller, is_cancelled: Callable[[], bool]
) -> ResultSummary:
    tell.begun()
    run.run(tell.progress, is_cancelled, stream)
    check_wanted(is_cancelled)
    if job.heals and not run.is_prompted:
        tell.stage("healing")
        healing = run.heal(is_cancelled)
        check_wanted(is_cancelled)
        tell.said(f"looked again at {healing.n_tasks} objects that no tile saw whole")
    tell.stage("writing")
    return wait_for(lambda: _written(job, run.journal.path, is_cancelled), is_cancelled)


def _written(job: RunJob, journal: Path, is_cancelled: Callable[[], bool]) -> ResultSummary:
    """With a connection of its own: SQLite's belong to a thread."""
    opened = Journal.open_existing(journal)
    try:
        return write_results(opened, job.output, job.results, is_cancelled=is_cancelled)
    finally:
        opened.close()


class _Teller:
    """Turns what the engine says into events."""

    def __init__(self, run: RasterRun, emit: Emit) -> None:
        self._run, self._emit = run, emit
        self._started_s = time.monotonic()
        n_before = len(run.journal.finished() & {tile.index for tile in run.tiles})
        self._last = Standing("tiles", len(run.tiles), n_before, 0, 0, 0.0, None)

    def said(self, message: str) -> None:
        self._emit(Log("info", message))

    def begun(self) -> None:
        predictor, standing = self._run.predictor, self._last
        self.said(
            f"{predictor.name} on {predictor.device}: {standing.n_tiles} tiles, {standing.n_finished} done before"
        )
        self._emit(standing)

    def progress(self, progress: Progress) -> None:
        if progress.last.status == "failed":
            self._emit(Log("warning", f"tile {progress.last.tile.index} failed: {progress.last.message}"))
        self._last = Standing(
            stage="tiles",
            n_tiles=progress.n_tiles,
            n_finished=progress.n_finished,
            n_failed=progress.n_failed,
            n_findings=progress.n_findings,
            seconds=progress.seconds,
            seconds_left=progress.seconds_left,
        )
        self._emit(self._last)

    def stage(self, stage: Stage) -> None:
        self._last = replace(self._last, stage=stage, seconds=time.monotonic() - self._started_s, seconds_left=None)
        self._emit(self._last)
