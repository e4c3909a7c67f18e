"""What a run has done so far, in one SQLite file: a tile is in it whole or not at all, whenever the run is killed."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sam_backend.errors import RasterError, StorageError
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.run.run_place import RunPlace
from sam_backend.geo.run.run_settings import RunSettings
from sam_backend.geo.tiles import PixelRect, Tile

FORMAT = 1
"""Raised when the tables change."""

TileStatus = Literal["done", "empty", "failed"]
"""``empty``: no pixel of it holds data. ``failed``: see the message; going on tries it again."""

_TABLES = """
CREATE TABLE run (settings TEXT NOT NULL, place TEXT NOT NULL);
CREATE TABLE tile (
    tile_index INTEGER PRIMARY KEY, grid_column INTEGER NOT NULL, grid_row INTEGER NOT NULL,
    left_px INTEGER NOT NULL, top_px INTEGER NOT NULL, right_px INTEGER NOT NULL, bottom_px INTEGER NOT NULL,
    status TEXT NOT NULL, seconds REAL NOT NULL, message TEXT NOT NULL
);
CREATE TABLE finding (
    tile_index INTEGER NOT NULL REFERENCES tile, number INTEGER NOT NULL, left_px INTEGER NOT NULL,
    top_px INTEGER NOT NULL, height_px INTEGER NOT NULL, width_px INTEGER NOT NULL, counts TEXT NOT NULL,
    predicted_iou REAL NOT NULL, stability REAL, feature_id INTEGER,
    PRIMARY KEY (tile_index, number)
) WITHOUT ROWID;
CREATE TABLE healed (
    key TEXT PRIMARY KEY, left_px INTEGER, top_px INTEGER, height_px INTEGER, width_px INTEGER, counts TEXT,
    predicted_iou REAL, stability REAL, feature_id INTEGER
) WITHOUT ROWID;
CREATE TABLE prompt (feature_id INTEGER PRIMARY KEY, attributes TEXT NOT NULL, why_skipped TEXT);
"""
_TABLE_NAMES = {"run", "tile", "finding"}
"""By which a journal is known."""


@dataclass(frozen=True, slots=True)
class TileReport:
    """How a tile went."""

    tile: Tile
    status: TileStatus
    seconds: float
    """Waiting for its pixels, which are read ahead, and segmenting."""

    message: str = ""
    """Why it failed."""


@dataclass(frozen=True, slots=True)
class JournalledPrompt:
    """A feature of the layer of prompts."""

    feature_id: int

    attributes: dict[str, Any]
    """By the names of the layer's fields."""

    why_skipped: str | None = None
    """Why it asks for nothing; None if it does."""


class Journal:
    """The file of one run. One process writes, from one thread; any may read."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Use `create` or `open_existing`."""
        self.path = path
        self._connection = connection
        row = connection.execute("SELECT settings, place FROM run").fetchone()
        self.settings, self.place = RunSettings.from_json(row[0]), RunPlace.from_json(row[1])

    @classmethod
    def create(cls, path: Path, settings: RunSettings, place: RunPlace) -> Journal:
        """Begin a run's journal; another journal at this path is lost.

        Raises:
            RasterError: a file lies there that is no journal.
            StorageError: it can't be written there.
        """
        check_replaceable(path)
        unfinished = path.with_name(f"{path.name}.new")
        with _told_as_storage_error(path):
            for old in (unfinished, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
                old.unlink(missing_ok=True)
            with contextlib.closing(sqlite3.connect(unfinished)) as connection:
                connection.executescript(f"{_TABLES} PRAGMA user_version = {FORMAT};")
                with connection:
                    connection.execute("INSERT INTO run VALUES (?, ?)", (settings.to_json(), place.to_json()))
            os.replace(unfinished, path)
            return cls(path, _connect(path))

    @classmethod
    def open_existing(cls, path: Path) -> Journal:
        """Open the journal of a run that began before.

        Raises:
            RasterError: there is none, it is no journal, or one of another version.
        """
        if not path.is_file():
            raise RasterError(f"there is no run's journal at {path}: start the run, or name the journal of one")
        try:
            connection = _connect(path)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == FORMAT:
                return cls(path, connection)
            connection.close()
        except (sqlite3.DatabaseError, TypeError) as error:
            raise RasterError(f"{path} is no run's journal ({error}): name the journal of a run") from None
        raise RasterError(f"the journal {path} has format {version}, {FORMAT} was wanted: start the run anew")

    def write_tile(self, report: TileReport, findings: Sequence[Finding] = ()) -> None:
        """Keep all of a tile, at once; what was kept of it before goes.

        Raises:
            StorageError: the disk is full, or the file can't be written any more.
        """
        index = report.tile.index
        rows = [(index, number, *finding.to_row()) for number, finding in enumerate(findings)]
        with _told_as_storage_error(self.path), self._connection as transaction:
            transaction.execute("DELETE FROM finding WHERE tile_index = ?", (index,))
            transaction.execute(f"REPLACE INTO tile VALUES ({', '.join('?' * 10)})", _tile_row(report))  # noqa: S608 - question marks  # nosec B608
            transaction.executemany(f"INSERT INTO finding VALUES ({', '.join('?' * 10)})", rows)  # noqa: S608 - question marks  # nosec B608

    def reports(self) -> dict[int, TileReport]:
        """Of all tiles that were worked on, by index."""
        rows = self._connection.execute("SELECT * FROM tile ORDER BY tile_index")
        return {row[0]: _report(row) for row in rows}

    def finished(self) -> set[int]:
        """Indices of the tiles that need no more work."""
        return {index for index, report in self.reports().items() if report.status != "failed"}

    def findings(self, tile_index: int) -> list[Finding]:
        """What was found in a tile, in the order in which it was written."""
        rows = self._connection.execute("SELECT * FROM finding WHERE tile_index = ? ORDER BY number", (tile_index,))
        return [Finding.from_row(row[2:]) for row in rows]

    def n_findings(self, tile_index: int) -> int:
        """How many were found in a tile."""
        query = "SELECT count(*) FROM finding WHERE tile_index = ?"
        return int(self._connection.execute(query, (tile_index,)).fetchone()[0])

    def n_unanswered(self) -> int:
        """How many features of the layer of prompts nothing was found for."""
        query = (
            "SELECT count(*) FROM prompt WHERE feature_id NOT IN (SELECT feature_id FROM finding WHERE feature_id >= 0)"
        )
        return int(self._connection.execute(query).fetchone()[0])

    def write_healed(self, key: str, finding: Finding | None) -> None:
        """Keep the answer of a second look; None where it found nothing.

        Raises:
            StorageError: the disk is full, or the file can't be written any more.
        """
        row = (None,) * 8 if finding is None else finding.to_row()
        with _told_as_storage_error(self.path), self._connection as transaction:
            transaction.execute(f"REPLACE INTO healed VALUES ({', '.join('?' * 9)})", (key, *row))  # noqa: S608 - question marks  # nosec B608

    def healed_keys(self) -> set[str]:
        """Which second looks were taken."""
        return {key for (key,) in self._connection.execute("SELECT key FROM healed")}

    def healed(self) -> dict[str, Finding]:
        """The second looks that found something."""
        rows = self._connection.execute("SELECT * FROM healed WHERE counts IS NOT NULL ORDER BY key")
        return {key: Finding.from_row(row) for key, *row in rows}

    def write_prompts(self, prompts: Sequence[JournalledPrompt]) -> None:
        """Keep what is known of the features that ask for objects.

        Raises:
            StorageError: the disk is full, or the file can't be written any more.
        """
        rows = [(one.feature_id, json.dumps(one.attributes, default=str), one.why_skipped) for one in prompts]
        with _told_as_storage_error(self.path), self._connection as transaction:
            transaction.executemany("REPLACE INTO prompt VALUES (?, ?, ?)", rows)

    def prompts(self) -> list[JournalledPrompt]:
        """All features of the layer of prompts, by id."""
        rows = self._connection.execute("SELECT * FROM prompt ORDER BY feature_id")
        return [JournalledPrompt(feature_id, json.loads(attributes), why) for feature_id, attributes, why in rows]

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def check_replaceable(path: Path) -> None:
    """Make sure that a journal may be begun at a path: nothing lies there, or a journal, of whatever version.

    Raises:
        RasterError: something else does, which would be lost.
    """
    if path.exists() and not _table_names(path) >= _TABLE_NAMES:
        raise RasterError(
            f"{path} is no run's journal, and beginning one there would overwrite it: give the journal another place, "
            "or remove the file if nobody needs it"
        )


def _table_names(path: Path) -> set[str]:
    """Of an SQLite file, without leaving a trace beside it; none of any other."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError:
        return set()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    # Readers see the last whole tile while the next is written; a commit survives a power cut.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _tile_row(report: TileReport) -> tuple[object, ...]:
    tile, rect = report.tile, report.tile.rect
    place = (tile.index, tile.column, tile.row, rect.left_px, rect.top_px, rect.right_px, rect.bottom_px)
    return *place, report.status, report.seconds, report.message


def _report(row: Sequence[Any]) -> TileReport:
    index, column, grid_row, left_px, top_px, right_px, bottom_px, status, seconds, message = row
    tile = Tile(index, column, grid_row, PixelRect(left_px, top_px, right_px, bottom_px))
    return TileReport(tile, status, seconds, message)


@contextlib.contextmanager
def _told_as_storage_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise StorageError(
            f"the journal {path} can't be written ({error}): make room or choose another folder, and resume the run"
        ) from error
