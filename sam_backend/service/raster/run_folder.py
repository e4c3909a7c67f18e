"""A run on disk, as every worker sees it: what was asked for, its events, whether its worker lives."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sam_backend.service.raster.event_file import ENDS, Event, read_events

REQUEST, EVENTS, JOURNAL = "request.json", "events.jsonl", "journal"
_ALIVE, _CANCEL, _OUTPUT = "alive", "cancel", "output"
_POLL_S = 0.1

SCHEME = "run:"
"""Before the id of a run, where a request wants a path."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Says to all other workers that this one works on a run. The system lets go of it when the worker dies."""

    descriptor: int

    @classmethod
    def on(cls, folder: Path) -> Hold:
        """Take hold of a run; nobody else does.

        Raises:
            OSError: it can't be had.
        """
        descriptor = os.open(folder / _ALIVE, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return cls(descriptor)

    def release(self) -> None:
        """The run is at its end."""
        os.close(self.descriptor)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run. One worker holds and writes it, any may read or cancel."""

    path: Path

    @property
    def run_id(self) -> str:
        """Unguessable; in the order in which runs were asked for."""
        return self.path.name

    @property
    def name(self) -> str:
        """What clients call it where a path is wanted."""
        return f"{SCHEME}{self.run_id}"

    @property
    def events_path(self) -> Path:
        """Where its events gather."""
        return self.path / EVENTS

    @property
    def journal_path(self) -> Path:
        """Of this run, unless it goes on with another's."""
        return self.path / JOURNAL

    def output_path(self, ending: str) -> Path:
        """Where its objects go."""
        return self.path / f"{_OUTPUT}.{ending}"

    def output(self) -> Path | None:
        """Its objects; None if they haven't been written."""
        return next(self.path.glob(f"{_OUTPUT}.*"), None)

    def cancel(self) -> bool:
        """Ask its worker to stop; False if it is at its end already."""
        if not self.is_held():
            return False
        (self.path / _CANCEL).touch()
        return True

    def is_cancelled(self) -> bool:
        """Whether somebody asked for that."""
        return (self.path / _CANCEL).exists()

    def is_held(self) -> bool:
        """Whether a worker lives that works on it, or is going to."""
        try:
            descriptor = os.open(self.path / _ALIVE, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who look don't see each other
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def events(self, after: int = 0) -> list[Event]:
        """From the Nth on. A run whose worker died ends in an error that says so."""
        is_held = self.is_held()  # first: what its worker wrote last is there once it has let go
        events = read_events(self.events_path)
        if not is_held and not (events and events[-1]["event"] in ENDS):
            events.append(self.interrupted())
        return events[after:]

    def wait_for_events(self, after: int, wait_s: float) -> list[Event]:
        """From the Nth on, as soon as there is one; none if there is none in time, or any more."""
        until_s, seen_bytes = time.monotonic() + wait_s, -1
        while True:
            n_bytes = self._events_bytes()
            if n_bytes != seen_bytes or not self.is_held():
                events = self.events(after)
                if events or not self.is_held():
                    return events
            seen_bytes = n_bytes
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return []
            time.sleep(min(_POLL_S, left_s))

    def interrupted(self) -> Event:
        """The end of a run whose worker ended before."""
        return {
            "id": self.run_id,
            "event": "error",
            "kind": "unavailable",
            "message": "interrupted: the worker of this run ended before it was done, so ask for it again with start "
            "resume to go on from the last finished tile",
        }

    def _events_bytes(self) -> int:
        with suppress(FileNotFoundError):
            return self.events_path.stat().st_size
        return 0
