"""One run from its turn to its last event."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sam_backend.geo.protocol.failures import failure_of
from sam_backend.geo.protocol.perform import answer
from sam_backend.geo.protocol.run_records import end_record, event_record, outcome_record
from sam_backend.geo.run.run_events import Log
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
    hold: Hold
    book: RunBook
    host: RunHost
    journal_name: str
    """What clients call the run's journal."""

    def do(self, is_stopping: Callable[[], bool]) -> None:
        """Wait for its turn and see it through. When the worker stops first, it is left without an end."""
        writer = EventWriter(self.folder.events_path)
        try:
            end = self._outcome(writer, lambda: is_stopping() or self.folder.is_cancelled())
            is_interrupted = is_stopping() and end.get("state") == "cancelled" and not self.folder.is_cancelled()
            if not is_interrupted:
                self._write(writer, end)
            log_event("raster_run", run=self.folder.run_id, end="interrupted" if is_interrupted else _said(end))
        except OSError as error:  # not even its end can be kept: who asks is told that it was interrupted
            log_event("raster_run_lost", level=logging.ERROR, run=self.folder.run_id, error=str(error))
        finally:
            self.hold.release()

    def _outcome(self, writer: EventWriter, is_cancelled: Callable[[], bool]) -> Event:
        def say(n_before: int) -> None:
            runs = "one run goes" if n_before == 1 else f"{n_before} runs go"
            self._write(writer, event_record(Log("info", f"waiting: {runs} before this one")))

        with turn_of(self.book, self.folder, is_cancelled, say) as is_mine:
            if not is_mine:
                return self._named(end_record(outcome_record(self.job, None)))
            emitted = lambda event: self._write(writer, event_record(event))  # noqa: E731
            return self._named(end_record(answer(self.job, self.host, emitted, is_cancelled)))

    def _named(self, end: Event) -> Event:
        """Paths of this machine mean nothing to a client."""
        names: dict[str, Any] = {"journal": self.journal_name, "output": self.folder.run_id and f"run:{self.folder.run_id}"}
        return {**end, **{key: name for key, name in names.items() if end.get(key) is not None}}

    def _write(self, writer: EventWriter, record: Event) -> None:
        writer.write({"id": self.request_id, **record})


def _said(end: Event) -> str:
    return str(end.get("state") or end.get("message"))
