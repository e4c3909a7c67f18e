"""The ledger's file: SQLite, written by several processes at once, read by any."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sam_backend.errors import StorageError

FILE_NAME = "ledger.sqlite"
FORMAT = 1
"""Raised when the tables change."""

WRITE_PATIENCE_S = 10.0
"""How long a writer waits for another one; writers are threads in the background."""

READ_PATIENCE_S = 0.5
"""In this mode readers wait for nobody, but for a moment while the file is made or put in order."""

_TABLES = """
CREATE TABLE answer (
    project INTEGER NOT NULL, task INTEGER NOT NULL, id TEXT NOT NULL, origin TEXT NOT NULL, tag TEXT NOT NULL,
    shape TEXT NOT NULL, label TEXT NOT NULL, model_version TEXT NOT NULL, score REAL NOT NULL,
    height_px INTEGER NOT NULL, width_px INTEGER NOT NULL, footprint BLOB, n_prompts INTEGER NOT NULL,
    drawn INTEGER NOT NULL, is_refined INTEGER NOT NULL, first_s REAL NOT NULL, last_s REAL NOT NULL,
    annotation INTEGER, outcome TEXT NOT NULL DEFAULT 'open', iou REAL, submitted_label TEXT,
    PRIMARY KEY (project, task, id)
);
CREATE TABLE prompt (
    project INTEGER NOT NULL, task INTEGER NOT NULL, id TEXT NOT NULL, at_s REAL NOT NULL,
    PRIMARY KEY (project, task, id)
) WITHOUT ROWID;
CREATE TABLE annotation (
    id INTEGER PRIMARY KEY, project INTEGER NOT NULL, task INTEGER NOT NULL, updated_at TEXT NOT NULL,
    at_s REAL NOT NULL, lead_time_s REAL
);
CREATE TABLE verdict (
    annotation INTEGER NOT NULL REFERENCES annotation ON DELETE CASCADE, region TEXT NOT NULL, outcome TEXT NOT NULL,
    iou REAL, tag TEXT NOT NULL, shape TEXT NOT NULL, label TEXT NOT NULL,
    PRIMARY KEY (annotation, region)
) WITHOUT ROWID;
CREATE INDEX annotation_of_task ON annotation (project, task);
CREATE INDEX by_hand ON verdict (annotation) WHERE outcome = 'by hand';
CREATE INDEX answer_by_age ON answer (last_s);
CREATE VIEW object AS
SELECT answer.project, answer.task, answer.annotation, answer.id AS region, answer.origin, answer.tag, answer.shape,
    coalesce(answer.submitted_label, answer.label) AS label, answer.label AS answered_label, answer.model_version,
    answer.score, answer.n_prompts, answer.is_refined, answer.first_s, answer.last_s,
    answer.last_s - answer.first_s AS seconds, answer.outcome, answer.iou, annotation.lead_time_s
FROM answer LEFT JOIN annotation ON annotation.id = answer.annotation
UNION ALL
SELECT annotation.project, annotation.task, annotation.id, verdict.region, 'hand', verdict.tag, verdict.shape,
    verdict.label, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, verdict.outcome, NULL, annotation.lead_time_s
FROM verdict JOIN annotation ON annotation.id = verdict.annotation WHERE verdict.outcome = 'by hand';
"""
"""``answer``: an entry a row, with what became of it in the end. ``verdict``: what became of each in each annotation,
and what was drawn by hand there. ``object``: all together, as people see it."""


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """Where the ledger lies. A connection a piece of work: no thread and no fork ever shares one."""

    path: Path

    @classmethod
    def in_folder(cls, data_folder: Path) -> LedgerFile:
        """The ledger of a data folder; nothing is made yet."""
        return cls(data_folder / FILE_NAME)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All of what is written within, or nothing; folder and file are made if they aren't there.

        Raises:
            StorageError: it can't be written.
        """
        with self._told():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.path, timeout=WRITE_PATIENCE_S)) as connection:
                connection.isolation_level = None  # transactions begin where they are begun here
                connection.execute("PRAGMA foreign_keys = ON")
                _make_tables(connection, self.path)
                connection.execute("PRAGMA synchronous = NORMAL")  # a lost last moment, never a damaged file
                with _transaction(connection):
                    yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """One state of the ledger; None if nothing was ever written.

        Raises:
            StorageError: it can't be read.
        """
        if not self.path.exists():
            yield None
            return
        with self._told(), contextlib.closing(self._connect_to_read()) as connection:
            connection.row_factory = sqlite3.Row
            version = _version(connection)
            if version:
                _check_version(version, self.path)
                connection.execute("BEGIN")
            yield connection if version else None  # another process is just making it

    def _connect_to_read(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=READ_PATIENCE_S)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(
                f"the ledger at {self.path} can't be used ({error}): give SAM_DATA_FOLDER a folder with room that this "
                "service may write to"
            ) from error


def _make_tables(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection) == 0:
        with _transaction(connection):
            if _version(connection) == 0:  # no other process was quicker
                for statement in _TABLES.strip().removesuffix(";").split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {FORMAT}")
    _check_version(_version(connection), path)
    with contextlib.suppress(sqlite3.OperationalError):  # another process is at it: whoever writes next turns it on
        connection.execute("PRAGMA journal_mode = WAL")  # stays in the file: readers and a writer beside each other


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")  # waits here for other writers, not in the midst
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check_version(version: int, path: Path) -> None:
    if version != FORMAT:
        raise StorageError(f"the ledger {path} has format {version}, {FORMAT} was wanted: move it away, or update")
