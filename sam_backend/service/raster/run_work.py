"""One run from its turn to its last event."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sam_backend.geo.protocol.perform import answer
from sam_backend.geo.protocol.run_records import end_record, event_record, outcome_record
from sam_backend.geo.run import run_events
from sam_backend.geo.run.whole_run import RunJob
from sam_backend.service.event_log import log_event
from sam_backend.service.raster.event_file import Event, EventWriter
from sam_backend.service.raster.host import RunHost
from sam_backend.service.raster.run_book import RunBook
from sam_backend.service.raster.run_folder import Hold, RunFolder
from sam_backend.service.raster.turn import turn_of


@dataclass(frozen=True, slots=True)
class RunWork:
    """A run that is held, in its folder."""

    job: RunJob
    request_id: str
    """The client's name for it."""

    folder: RunFolder
    journal_of: RunFolder
    """The run whose journal it keeps."""

    hold: Hold
    book: RunBook
    host: RunHost

    def do(self, is_stopping: Callable[[], bool]) -> None:
        """Wait for its turn and see it through. When the worker stops first, it is left without an end."""
        tell = _Teller(self.request_id, EventWriter(self.folder.events_path))
        try:
            end = self._outcome(tell, lambda: is_stopping() or self.folder.is_cancelled())
            is_left = is_stopping() and end.get("state") == "cancelled" and not self.folder.is_cancelled()
            if not is_left:
                tell.record(end)
            log_event("raster_run", run=self.folder.run_id, end="interrupted" if is_left else _said(end))
        except OSError as error:  # not even its end can be kept: who asks is told that it was interrupted
            log_event("raster_run_lost", level=logging.ERROR, run=self.folder.run_id, error=str(error))
        finally:
            self.hold.release()

    def _outcome(self, tell: _Teller, is_cancelled: Callable[[], bool]) -> Event:
        with turn_of(self.book, self.folder, is_cancelled, tell.waiting) as is_mine:
            end = end_record(
                answer(self.job, self.host, tell.event, is_cancelled) if is_mine else outcome_record(self.job, None)
            )
        names = {"output": self.folder.name, "journal": self.journal_of.name}  # paths of this machine mean nothing
        return {**end, **{key: name for key, name in names.items() if end.get(key) is not None}}


@dataclass(frozen=True, slots=True)
class _Teller:
    """Writes a run's events."""

    request_id: str
    writer: EventWriter

    def waiting(self, n_before: int) -> None:
        runs = "one run goes" if n_before == 1 else f"{n_before} runs go"
        self.event(run_events.Log("info", f"waiting: {runs} before this one"))

    def event(self, event: run_events.Event) -> None:
        self.record(event_record(event))

    def record(self, record: Event) -> None:
        self.writer.write({"id": self.request_id, **record})


def _said(end: Event) -> str:
    return str(end.get("state") or end.get("message"))
