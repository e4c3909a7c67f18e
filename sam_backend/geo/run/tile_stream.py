"""Tiles read ahead by a few threads and segmented by one, so that whoever waits for them can stop waiting at once."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from sam_backend.geo.raster import RasterWindow
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.run.journal import TileReport, TileStatus
from sam_backend.geo.run.tile_segmenter import TileSegmenter
from sam_backend.geo.tiles import Tile

N_READERS = 2
N_AHEAD = 4
"""Tiles read before the model is ready for them: 3 MB each."""

_LOG = logging.getLogger(__name__)

IsCancelled = Callable[[], bool]
ReadTile = Callable[[Tile], RasterWindow | None]
"""The pixels of a tile; None if it holds no data."""


@dataclass(frozen=True, slots=True, eq=False)
class TileOutcome:
    """What came of a tile."""

    report: TileReport
    findings: list[Finding]


Put = Callable[[TileOutcome], None]
Work = Callable[[Put, threading.Event], None]
"""Puts what comes of each tile, until there are no more or the event is set."""

TileStream = Callable[[Iterable[Tile], IsCancelled], Iterator[TileOutcome]]
"""Works on tiles, wherever, and hands out what comes of each, until it is cancelled; see `stream_tiles`."""


def stream_tiles(
    tiles: Iterable[Tile], read: ReadTile, segmenter: TileSegmenter, is_cancelled: IsCancelled, poll_s: float = 0.1
) -> Iterator[TileOutcome]:
    """Work on tiles in a thread of their own and hand out what comes of each.

    A tile that fails is reported as failed, and the others go on. When ``is_cancelled`` says so, the stream ends
    within ``poll_s``, whatever the model is busy with; what that would have found is dropped.
    """

    def work(put: Put, stop: threading.Event) -> None:
        for outcome in _outcomes(tiles, read, segmenter, stop):
            put(outcome)

    return in_background(work, is_cancelled, poll_s)


def in_background(work: Work, is_cancelled: IsCancelled, poll_s: float = 0.1) -> Iterator[TileOutcome]:
    """Hand out what a thread of its own puts; the stream ends within ``poll_s`` once it is cancelled."""
    outcomes: queue.Queue[TileOutcome | BaseException | None] = queue.Queue(maxsize=1)
    stop = threading.Event()

    def work_to_the_end() -> None:
        try:
            work(lambda outcome: _put(outcomes, outcome, stop), stop)
            _put(outcomes, None, stop)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            _put(outcomes, error, stop)

    # A daemon: a program that was told to stop doesn't wait for the model.
    threading.Thread(target=work_to_the_end, name="tiles", daemon=True).start()
    try:
        while not is_cancelled():
            try:
                outcome = outcomes.get(timeout=poll_s)
            except queue.Empty:
                continue
            if outcome is None:
                return
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
    finally:
        stop.set()


def _put(
    outcomes: queue.Queue[TileOutcome | BaseException | None],
    item: TileOutcome | BaseException | None,
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            return outcomes.put(item, timeout=0.1)
        except queue.Full:
            continue


def _outcomes(
    tiles: Iterable[Tile], read: ReadTile, segmenter: TileSegmenter, stop: threading.Event
) -> Iterator[TileOutcome]:
    waiting: deque[tuple[Tile, Future[RasterWindow | None]]] = deque()
    left = iter(tiles)
    with ThreadPoolExecutor(N_READERS, thread_name_prefix="reader") as readers:
        while not stop.is_set():
            waiting.extend((tile, readers.submit(read, tile)) for tile in islice(left, N_AHEAD - len(waiting)))
            if not waiting:
                return
            tile, reading = waiting.popleft()
            yield work_on(tile, reading.result, segmenter)
        readers.shutdown(wait=False, cancel_futures=True)


def work_on(tile: Tile, read: Callable[[], RasterWindow | None], segmenter: TileSegmenter) -> TileOutcome:
    """Read a tile and segment it; what goes wrong becomes its report."""
    started_s = time.monotonic()

    def report(status: TileStatus, message: str = "") -> TileReport:
        return TileReport(tile, status, time.monotonic() - started_s, message)

    try:
        window = read()
        if window is None:
            return TileOutcome(report("empty"), [])
        findings = segmenter.segment(tile, window)
    except Exception as error:  # noqa: BLE001 - the tile is named and the run goes on; nothing is swallowed
        _LOG.debug("tile %d", tile.index, exc_info=True)
        return TileOutcome(report("failed", f"{type(error).__name__}: {error}"), [])
    return TileOutcome(report("done"), findings)
