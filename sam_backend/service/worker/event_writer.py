"""Events written one a line, whole, from many threads."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from typing import Any

import orjson


class EventWriter:
    """Writes to a file descriptor.

    Args:
        events_fd: where to.
        on_broken: called when nobody reads any more.
    """

    def __init__(self, events_fd: int, on_broken: Callable[[], object]) -> None:
        self._events_fd = events_fd
        self._on_broken = on_broken
        self._lock = threading.Lock()

    def __call__(self, request_id: str | None, record: dict[str, Any]) -> None:
        """Write an event of a request; None: of a line that names none."""
        line = _line({"id": request_id, **record})
        try:
            with self._lock:
                while line:
                    line = line[os.write(self._events_fd, line) :]
        except OSError:
            self._on_broken()


def _line(record: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(record) + b"\n"
    except orjson.JSONEncodeError:  # half a character, as the names of files may have
        return json.dumps(record).encode() + b"\n"
