"""The worker's process: its streams, and when it ends."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO, NoReturn

from sam_backend.service.worker.event_writer import EventWriter
from sam_backend.service.worker.switchboard import BuildModel, serve

EXIT_INTERRUPTED = 130


def serve_process(build_model: BuildModel) -> NoReturn:
    """Answer the requests of the standard input; when it ends, the process does, whatever it is doing."""
    try:
        requests, events_fd = take_over_streams()
        serve(requests, EventWriter(events_fd, on_broken=lambda: os._exit(0)), build_model)
    except KeyboardInterrupt:
        os._exit(EXIT_INTERRUPTED)
    os._exit(0)  # threads may be busy for long, and nobody is there to hear of what they find


def take_over_streams() -> tuple[BinaryIO, int]:
    """The requests, and the file descriptor for events.

    What else prints in this process, from C too, goes to the standard error, and what else reads, a child process
    for example, finds nothing.
    """
    requests = os.fdopen(os.dup(0), "rb")
    events_fd = os.dup(1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, events_fd
