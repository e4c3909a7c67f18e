"""The loop of a run: what isn't in the journal yet is read, segmented and written there, tile by tile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sam_backend.geo.run.journal import Journal, TileReport
from sam_backend.geo.run.tile_segmenter import TileSegmenter
from sam_backend.geo.run.tile_stream import IsCancelled, ReadTile, TileOutcome, TileStream, stream_tiles
from sam_backend.geo.tiles import Tile


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands."""

    n_tiles: int
    """Of the whole run, those finished before included."""

    n_finished: int
    """Done or found empty."""

    n_failed: int
    n_findings: int
    """Since this start."""

    seconds: float
    """Since this start."""

    seconds_left: float
    """By the pace so far."""

    last: TileReport
    """The tile that this progress is about."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How a run ended."""

    state: Literal["complete", "cancelled"]
    n_done: int
    n_empty: int
    failed: tuple[TileReport, ...]
    n_left: int
    """Tiles that nobody has worked on yet."""


def run_tiles(
    journal: Journal,
    tiles: Sequence[Tile],
    read: ReadTile,
    segmenter: TileSegmenter,
    on_progress: Callable[[Progress], None] = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> RunSummary:
    """Finish a run, from wherever it was left. Tiles that failed before are tried again.

    Args:
        journal: of this run; the only place where results go.
        tiles: all of the run, in the order in which they are to be worked on.
        read: gives a tile's pixels; called from several threads.
        segmenter: the model's part.
        on_progress: called after each tile.
        is_cancelled: asked ten times a second; the run then ends with all finished tiles kept.

    Raises:
        StorageError: the journal can't be written any more; what it holds is whole.
    """

    def stream(pending: Iterable[Tile], is_cancelled: IsCancelled) -> Iterator[TileOutcome]:
        return stream_tiles(pending, read, segmenter, is_cancelled)

    return run_stream(journal, tiles, stream, on_progress, is_cancelled)


def run_stream(
    journal: Journal,
    tiles: Sequence[Tile],
    stream: TileStream,
    on_progress: Callable[[Progress], None] = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> RunSummary:
    """Finish a run whose tiles are worked on wherever the stream has them worked on; see `run_tiles`.

    Raises:
        StorageError: the journal can't be written any more; what it holds is whole.
        SamBackendError: the stream can't go on; the journal is whole.
    """
    pace = _Pace(n_tiles=len(tiles), finished=journal.finished() & {tile.index for tile in tiles})
    pending = [tile for tile in tiles if tile.index not in pace.finished]
    for outcome in stream(pending, is_cancelled):
        journal.write_tile(outcome.report, outcome.findings)
        on_progress(pace.after(outcome.report, len(outcome.findings)))
    return summarise(journal, tiles)


def summarise(journal: Journal, tiles: Sequence[Tile]) -> RunSummary:
    """What the journal says of these tiles."""
    reports = journal.reports()
    known = [reports[tile.index] for tile in tiles if tile.index in reports]
    n_left = len(tiles) - len(known)
    return RunSummary(
        state="cancelled" if n_left else "complete",
        n_done=sum(report.status == "done" for report in known),
        n_empty=sum(report.status == "empty" for report in known),
        failed=tuple(report for report in known if report.status == "failed"),
        n_left=n_left,
    )


class _Pace:
    """Counts tiles and guesses the time left."""

    def __init__(self, n_tiles: int, finished: set[int]) -> None:
        self.finished = finished
        self._n_tiles, self._n_finished = n_tiles, len(finished)
        self._n_failed = self._n_findings = self._n_worked = 0
        self._started_s = time.monotonic()

    def after(self, report: TileReport, n_findings: int) -> Progress:
        self._n_findings += n_findings
        self._n_worked += 1
        if report.status == "failed":
            self._n_failed += 1
        else:
            self._n_finished += 1
        seconds = time.monotonic() - self._started_s
        n_left = self._n_tiles - self._n_finished - self._n_failed
        return Progress(
            n_tiles=self._n_tiles,
            n_finished=self._n_finished,
            n_failed=self._n_failed,
            n_findings=self._n_findings,
            seconds=seconds,
            seconds_left=seconds / self._n_worked * n_left,
            last=report,
        )
