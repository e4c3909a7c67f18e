"""The loop of a run: killed, cancelled, failed or not, the journal ends up the same."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from run_parts import GRID, PLACE, SETTINGS, BrightSpots, spotted_picture, window_of

from sam_backend.geo.raster import RasterWindow
from sam_backend.geo.run.engine import Progress, run_tiles
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.run.journal import Journal
from sam_backend.geo.tiles import Tile

TILES = list(GRID)
PICTURE = spotted_picture()


def read(tile: Tile) -> RasterWindow | None:
    window = window_of(PICTURE, tile)
    return window if window.pixels.any() else None


def content(journal: Journal) -> dict[int, list[tuple[int, int, bytes]]]:
    return {
        index: [
            (found.placed.left_px, found.placed.top_px, found.placed.mask.tobytes())
            for found in journal.findings(index)
        ]
        for index in journal.finished()
    }


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.create(tmp_path / "run.journal", SETTINGS, PLACE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[tuple[int, int, bytes]]]:
    journal = Journal.create(tmp_path_factory.mktemp("whole") / "run.journal", SETTINGS, PLACE)
    assert run_tiles(journal, TILES, read, BrightSpots()).state == "complete"
    return content(journal)


def test_every_tile_is_in_the_journal(whole: dict[int, list[tuple[int, int, bytes]]]) -> None:
    assert set(whole) == {tile.index for tile in TILES}
    assert sum(len(found) for found in whole.values()) >= 5


def test_progress_counts_to_the_end(journal: Journal) -> None:
    seen: list[Progress] = []
    summary = run_tiles(journal, TILES, read, BrightSpots(), on_progress=seen.append)
    assert [one.n_finished for one in seen] == list(range(1, len(TILES) + 1))
    assert seen[-1].seconds_left == 0
    assert summary.n_done + summary.n_empty == len(TILES)
    assert summary.n_left == 0


def test_a_cancelled_run_keeps_its_tiles_and_goes_on(
    journal: Journal, whole: dict[int, list[tuple[int, int, bytes]]]
) -> None:
    seen: list[Progress] = []
    summary = run_tiles(journal, TILES, read, BrightSpots(), seen.append, is_cancelled=lambda: len(seen) >= 3)
    assert (summary.state, summary.n_left) == ("cancelled", len(TILES) - 3)
    assert run_tiles(Journal.open_existing(journal.path), TILES, read, BrightSpots()).state == "complete"
    assert content(journal) == whole


class Stuck(BrightSpots):
    """Never comes back."""

    def segment(self, tile: Tile, window: RasterWindow) -> list[Finding]:
        threading.Event().wait()
        return super().segment(tile, window)


def test_cancelling_doesnt_wait_for_the_model(journal: Journal) -> None:
    started = time.monotonic()
    summary = run_tiles(journal, TILES, read, Stuck(), is_cancelled=lambda: time.monotonic() > started + 0.2)
    assert summary.state == "cancelled"
    assert time.monotonic() - started < 10  # told is 0.1 s after the 0.2


class Clumsy(BrightSpots):
    """Fails on one tile."""

    def segment(self, tile: Tile, window: RasterWindow) -> list[Finding]:
        if tile.index == 0:
            raise ValueError("a strange tile")
        return super().segment(tile, window)


def test_a_tile_that_fails_is_named_and_tried_again(
    journal: Journal, whole: dict[int, list[tuple[int, int, bytes]]]
) -> None:
    summary = run_tiles(journal, TILES, read, Clumsy())
    assert summary.state == "complete"
    assert [(report.tile.index, report.message) for report in summary.failed] == [(0, "ValueError: a strange tile")]
    assert run_tiles(journal, TILES, read, BrightSpots()).failed == ()
    assert content(journal) == whole


def test_a_tile_that_cant_be_read_is_named(journal: Journal) -> None:
    def broken(tile: Tile) -> RasterWindow | None:
        if tile.index == 2:
            raise OSError("bad sector")
        return read(tile)

    summary = run_tiles(journal, TILES, broken, BrightSpots())
    assert [report.message for report in summary.failed] == ["OSError: bad sector"]


def test_an_interrupt_of_the_work_is_raised_by_the_loop(journal: Journal) -> None:
    class Interrupted(BrightSpots):
        def segment(self, tile: Tile, window: RasterWindow) -> list[Finding]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tiles(journal, TILES, read, Interrupted())


def test_a_finished_run_has_nothing_left_to_do(journal: Journal) -> None:
    run_tiles(journal, TILES, read, BrightSpots())
    assert run_tiles(journal, TILES, read, Stuck()).state == "complete"


def test_work_waits_for_its_reader_and_memory_stays_bounded(journal: Journal) -> None:
    alive = np.zeros(len(TILES), int)

    def counted(tile: Tile) -> RasterWindow | None:
        alive[tile.index] = 1
        return read(tile)

    def slow(_: Progress) -> None:
        time.sleep(0.02)
        assert alive.sum() <= journal_size() + 8

    def journal_size() -> int:
        return len(journal.reports())

    run_tiles(journal, TILES, counted, BrightSpots(), on_progress=slow)
