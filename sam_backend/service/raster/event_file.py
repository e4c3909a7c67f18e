"""The events of one run in a file: one process appends, any may read."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, TypeAlias

import orjson

Event: TypeAlias = "dict[str, Any]"

ENDS = ("result", "error")
"""The events that end a request."""


class EventWriter:
    """Appends events to a file; of the progress in a stage one a second, and the last.

    A run of a day at ten events a second would make a file of 100 MB, which every reader goes through.

    Args:
        path: is made if need be.
        pause_s: what lies at least between two kept events of progress.
    """

    def __init__(self, path: Path, pause_s: float = 1.0) -> None:
        self._path = path
        self._pause_s = pause_s
        self._stage: object = None
        self._kept_s = 0.0
        self._held_back: list[Event] = []

    def write(self, event: Event) -> None:
        """Keep an event.

        Raises:
            OSError: there is no room.
        """
        is_progress = event["event"] == "progress"
        if is_progress and event.get("stage") == self._stage:
            self._held_back = []  # this one tells more
            if time.monotonic() - self._kept_s < self._pause_s:
                self._held_back = [event]
                return
        lines = [orjson.dumps(one) + b"\n" for one in (*self._held_back, event)]
        with self._path.open("ab") as file:
            file.write(b"".join(lines))
        self._held_back = []
        if is_progress:
            self._stage, self._kept_s = event.get("stage"), time.monotonic()


def read_events(path: Path) -> list[Event]:
    """All of them. A line that is still being written isn't one yet."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    return [orjson.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]
