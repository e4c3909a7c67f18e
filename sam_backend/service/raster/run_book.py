"""All runs of this machine, in the spool: made, found, in their order, and forgotten when they are old."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from sam_backend.errors import RequestError
from sam_backend.service.raster.run_folder import REQUEST, Hold, RunFolder
from sam_backend.service.raster.spool import Spool, age_s
from sam_backend.service.raster.uploads import UPLOADS

RUNS = "runs"
"""The part of the spool."""

_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]{32}")
_UNFINISHED_S = 3600.0
"""Longer than filling a folder takes."""


class UnknownRunError(RequestError):
    """A run that never was, or that is forgotten."""


@dataclass(frozen=True, slots=True)
class RunNote:
    """What is written down of a run."""

    alike: dict[str, Any]
    """See `AskedRun`; empty for what makes no journal."""

    journal_of: str
    """The id of the run whose journal it keeps."""

    name: str
    """What to call its output, but for the ending."""


@dataclass(frozen=True, slots=True)
class RunBook:
    """For use from many threads, and many workers."""

    spool: Spool
    keep_s: float
    """How long runs and uploads are kept once nobody works on them."""

    def new_id(self) -> str:
        """Of the next run; see `RunFolder.run_id`."""
        return f"{time.time_ns():016x}-{secrets.token_hex(16)}"

    def at(self, run_id: str) -> RunFolder:
        """Where a run lies, or will."""
        return RunFolder(self.spool.part(RUNS) / run_id)

    def begin(self, run: RunFolder, note: RunNote) -> Hold:
        """Write down a run, and hold it.

        Raises:
            StorageError: there is no room.
        """
        holds: list[Hold] = []

        def fill(folder: Path) -> None:
            (folder / REQUEST).write_bytes(orjson.dumps(note))
            holds.append(Hold.on(folder))

        self.spool.new_folder(RUNS, run.run_id, fill)
        return holds[0]

    def note(self, run: RunFolder) -> RunNote:
        """What was written down of a run.

        Raises:
            UnknownRunError: it has just been forgotten.
        """
        try:
            return RunNote(**orjson.loads((run.path / REQUEST).read_bytes()))
        except FileNotFoundError:
            raise _unknown(run.run_id) from None

    def owner_of_journal(self, run: RunFolder) -> RunFolder:
        """The run whose journal a run keeps; it is kept from now on as if it were new.

        Raises:
            UnknownRunError: it has been forgotten.
        """
        owner = self.find(self.note(run).journal_of)
        with suppress(FileNotFoundError):
            os.utime(owner.path)
        return owner

    def last_alike(self, alike: Mapping[str, Any]) -> RunFolder | None:
        """The last run at its end that has a journal and was asked for with these fields; None if there is none.

        That is, the run whose journal it keeps.
        """
        for run in reversed(list(self._runs())):
            with suppress(UnknownRunError):
                if not run.is_held() and self.note(run).alike == alike:
                    owner = self.owner_of_journal(run)
                    if owner.journal_path.exists():
                        return owner
        return None

    def find(self, run_id: str) -> RunFolder:
        """A run that was begun.

        Raises:
            UnknownRunError: there is none.
        """
        folder = self.at(run_id) if _ID.fullmatch(run_id) else None
        if folder is None or not folder.path.is_dir():
            raise _unknown(run_id)
        return folder

    def n_before(self, run: RunFolder) -> int:
        """How many runs were asked for earlier and aren't at their end."""
        return sum(other.run_id < run.run_id and other.is_held() for other in self._runs())

    def forget_old(self) -> None:
        """Remove runs and uploads that nobody has used for long.

        Raises:
            StorageError: the spool belongs to somebody else.
            OSError: one of them can't be removed.
        """
        if not self.spool.is_made():
            return
        in_use = b""
        for run in self._runs():
            if run.is_held():
                in_use += _content(run.path / REQUEST)  # names uploads, and the run whose journal it keeps
        for run in self._runs():
            if run.run_id.encode() not in in_use and not run.is_held():
                _remove_if_older(run.path, self.keep_s)
        for upload in self.spool.part(UPLOADS).iterdir():
            if upload.name.encode() not in in_use:
                _remove_if_older(upload, self.keep_s)

    def _runs(self) -> Iterator[RunFolder]:
        for path in sorted(self.spool.part(RUNS).iterdir()):
            if _ID.fullmatch(path.name):
                yield RunFolder(path)
            else:
                _remove_if_older(path, _UNFINISHED_S)


def _unknown(run_id: str) -> UnknownRunError:
    return UnknownRunError(f"there is no run {run_id[:60]!r} any more: ask for it again")


def _content(path: Path) -> bytes:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return b""


def _remove_if_older(folder: Path, limit_s: float) -> None:
    with suppress(FileNotFoundError):  # another worker is quicker
        if age_s(folder) > limit_s:
            shutil.rmtree(folder)
