"""The journal: what is written is read again, and nothing of a tile is kept by halves."""

import dataclasses
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from run_parts import PLACE, SETTINGS, tile_of

from sam_backend.errors import RasterError, StorageError
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.run.journal import Journal, TileReport
from sam_backend.geo.tiles import PlacedMask


def finding(left_px: int = 3, feature_id: int | None = None) -> Finding:
    mask = np.array([[True, False], [True, True], [False, True]])
    return Finding(PlacedMask(left_px, 7, mask), predicted_iou=0.75, stability=0.5, feature_id=feature_id)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.create(tmp_path / "run.journal", SETTINGS, PLACE)


def test_settings_and_place_survive(journal: Journal) -> None:
    again = Journal.open_existing(journal.path)
    assert again.settings == SETTINGS
    assert again.place == PLACE


def test_findings_survive_in_order(journal: Journal) -> None:
    journal.write_tile(TileReport(tile_of(4), "done", 1.5), [finding(9), finding(2, feature_id=12)])
    found = Journal.open_existing(journal.path).findings(4)
    assert [(one.placed.left_px, one.placed.top_px, one.feature_id) for one in found] == [(9, 7, None), (2, 7, 12)]
    np.testing.assert_array_equal(found[0].placed.mask, finding().placed.mask)
    assert (found[0].predicted_iou, found[0].stability) == (0.75, 0.5)


@pytest.fixture(scope="module")
def lasting_journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    return Journal.create(tmp_path_factory.mktemp("lasting") / "run.journal", SETTINGS, PLACE)


@given(mask=nps.arrays(bool, nps.array_shapes(min_dims=2, max_dims=2, max_side=20)), left_px=st.integers(0, 10**6))
def test_every_mask_survives(lasting_journal: Journal, mask: np.ndarray, left_px: int) -> None:
    lasting_journal.write_tile(TileReport(tile_of(0), "done", 0), [Finding(PlacedMask(left_px, 0, mask), 0.1)])
    (found,) = lasting_journal.findings(0)
    np.testing.assert_array_equal(found.placed.mask, mask)
    assert (found.placed.left_px, found.stability) == (left_px, None)


def test_a_tile_written_again_replaces_itself(journal: Journal) -> None:
    journal.write_tile(TileReport(tile_of(1), "failed", 1, "no memory"))
    assert journal.finished() == set()
    journal.write_tile(TileReport(tile_of(1), "done", 1), [finding()])
    journal.write_tile(TileReport(tile_of(2), "empty", 0))
    assert journal.finished() == {1, 2}
    assert journal.reports()[1] == TileReport(tile_of(1), "done", 1)


def test_creating_a_journal_forgets_the_old_one(journal: Journal) -> None:
    journal.write_tile(TileReport(tile_of(1), "done", 1), [finding()])
    journal.close()
    assert Journal.create(journal.path, SETTINGS, PLACE).reports() == {}


def test_a_process_killed_while_it_writes_leaves_whole_tiles(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    program = f"""
        import sys; sys.path[:0] = {[str(Path(__file__).parent), os.getcwd()]}
        from pathlib import Path
        from run_parts import PLACE, SETTINGS, tile_of
        from test_journal import finding
        from sam_backend.geo.run.journal import Journal, TileReport
        journal = Journal.create(Path({str(path)!r}), SETTINGS, PLACE)
        for index in range(10**6):
            journal.write_tile(TileReport(tile_of(index), "done", 0), [finding(n) for n in range(50)])
            print(index, flush=True)
    """
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    said = [int(writer.stdout.readline()) for _ in range(5)]
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    journal = Journal.open_existing(path)
    reports = journal.reports()
    assert set(said) <= set(reports)
    assert all(len(journal.findings(index)) == 50 for index in reports)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no database at all", "is no run's journal"), (b"", "format 0"), (None, "there is no run")],
)
def test_what_is_no_journal_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "x.journal"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RasterError, match=message):
        Journal.open_existing(path)


def test_settings_of_another_version_are_refused(journal: Journal) -> None:
    with sqlite3.connect(journal.path) as connection:
        connection.execute("""UPDATE run SET settings = '{"colour": "red"}'""")
    with pytest.raises(RasterError, match="another version"):
        Journal.open_existing(journal.path)


def test_a_folder_that_isnt_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="can't be written"):
        Journal.create(tmp_path / "nowhere" / "run.journal", SETTINGS, PLACE)


def test_a_journal_that_cant_be_written_any_more_is_told(journal: Journal) -> None:
    blocker = sqlite3.connect(journal.path)
    blocker.execute("PRAGMA max_page_count = 1")
    journal._connection.execute("PRAGMA max_page_count = 10")
    with pytest.raises(StorageError, match="full"):
        journal.write_tile(TileReport(tile_of(0), "done", 1), [finding(n) for n in range(5000)])
    assert journal.reports() == {}


def test_going_on_with_other_settings_is_refused_by_name() -> None:
    SETTINGS.check_same(SETTINGS)
    with pytest.raises(RasterError, match=r"another tile px \(64\) than asked for \(128\)"):
        SETTINGS.check_same(dataclasses.replace(SETTINGS, tile_px=128))
