"""The ledger as the service holds it: what can't be written is said once, and nothing else stops for it."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from sam_backend.errors import MaskError, StorageError
from sam_backend.service.background import Background
from sam_backend.service.event_log import LOGGER, log_event
from sam_backend.service.ledger.answered import AnsweredClick, Entry, entries_of_click
from sam_backend.service.ledger.schema import LedgerFile
from sam_backend.service.ledger.writing import forget_old, write_entries

_CAPACITY = 500
"""Answers that wait for the disk; of large pictures each may hold a megabyte."""

_T = TypeVar("_T")

_FORGET_EVERY_S = 3600.0


class Ledger:
    """Takes answers from many threads; one thread of its own writes them.

    Args:
        file: where it lies.
        keep_days: how long masks are kept, and answers that nobody submitted.
        clock: seconds since 1970.
    """

    def __init__(self, file: LedgerFile, keep_days: int, clock: Callable[[], float] = time.time) -> None:
        self.file = file
        self.clock = clock
        self._keep_days = keep_days
        self._background = Background("ledger", 1, _say_unexpected)
        self._lock = threading.Lock()
        self._waiting: list[AnsweredClick] = []
        self._trouble: str | None = None
        self._forgot_at_s: float | None = None

    @property
    def trouble(self) -> str | None:
        """Why nothing can be written at present; None if all is well."""
        return self._trouble

    def record(self, click: AnsweredClick) -> None:
        """Queue an answer to be written; returns at once and never raises."""
        with self._lock:
            is_full, is_first = len(self._waiting) >= _CAPACITY, not self._waiting
            if not is_full:
                self._waiting.append(click)
        if is_full:
            self._say("more answers come than the disk takes: some are missing in the ledger")
        elif is_first:
            self._background.add(self._write_waiting)

    def wait_until_written(self, timeout_s: float) -> bool:
        """Wait until all answers so far are in the file; whether that came about in time."""
        return self._background.wait_until_empty(timeout_s)

    def write(self, work: Callable[[sqlite3.Connection], None]) -> bool:
        """Do something in one transaction; whether it is kept. What is wrong with the disk is said once."""
        try:
            with self.file.writing() as connection:
                work(connection)
                if self._is_due():
                    forget_old(connection, self.clock(), self._keep_days)
        except StorageError as error:
            self._say(str(error))
            return False
        self._trouble = None
        return True

    def read(self, work: Callable[[sqlite3.Connection | None], _T]) -> _T | None:
        """What some work finds in one state of the ledger; None if it can't be read, which is said once."""
        try:
            with self.file.reading() as connection:
                return work(connection)
        except StorageError as error:
            self._say(str(error))
            return None

    def tidy(self) -> None:
        """Forget what is old, also where nobody clicks; never makes a file."""
        if self.file.path.exists():
            self.write(lambda _: None)

    def _write_waiting(self) -> None:
        """All in one transaction: the slower the disk, the more at once."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        entries = [entry for click in waiting for entry in _entries_of(click)]
        if entries:
            self.write(lambda connection: write_entries(connection, entries))

    def _is_due(self) -> bool:
        with self._lock:
            is_due = self._forgot_at_s is None or self.clock() - self._forgot_at_s > _FORGET_EVERY_S
            if is_due:
                self._forgot_at_s = self.clock()
            return is_due

    def _say(self, trouble: str) -> None:
        with self._lock:
            is_known, self._trouble = self._trouble == trouble, trouble
        if not is_known:
            log_event("ledger_failed", level=logging.ERROR, error=trouble)


def _entries_of(click: AnsweredClick) -> Sequence[Entry]:
    try:
        return list(entries_of_click(click))
    except MaskError as error:
        log_event("ledger_failed", level=logging.ERROR, error=str(error))
        return ()


def _say_unexpected(error: Exception) -> None:
    LOGGER.error("unexpected error in the ledger", exc_info=error)
