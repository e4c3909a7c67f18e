"""A worker in a process of its own, as a client speaks to it."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PATIENCE_S = 120.0
"""A machine with other work takes long to import PyTorch."""

ALONE = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}


EVERYTHING = {"tile_size": 64, "overlap": 16, "points_per_side": 3, "pred_iou_thresh": 0, "stability_score_thresh": 0}
SLOW = EVERYTHING | {"overlap": 60, "points_per_side": 16}

WORKER = ("-m", "sam_backend", "worker", "--device", "cpu")

CHATTERING = """
import ctypes, os, sys, threading, time
from sam_backend.service.worker import process
take_over = process.take_over_streams

def take_over_and_print():
    streams = take_over()
    def chatter():
        libc = ctypes.CDLL(None)
        while True:
            print('print', flush=True)
            os.write(1, b'write')
            libc.printf(b'printf')
            libc.fflush(None)
            time.sleep(0.02)
    threading.Thread(target=chatter, daemon=True).start()
    return streams

process.take_over_streams = take_over_and_print
from sam_backend.__main__ import main
main(sys.argv[1:])
"""


class WorkerClient:
    """Sends requests and sorts events by id, as they come."""

    def __init__(self, words: Sequence[object], log: Path) -> None:
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *map(str, words)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=ALONE,
            )
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._unread: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._events.put(json.loads(line))

    def send(self, request_id: str, op: str, **fields: object) -> None:
        self.send_line(json.dumps({"id": request_id, "op": op, **fields}).encode())

    def send_line(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def event(self, request_id: str | None, *kinds: str) -> dict[str, Any]:
        """The next event of these kinds (any) of a request; others are kept for whoever asks for them."""

        def fits(event: dict[str, Any]) -> bool:
            return event["id"] == request_id and (not kinds or event["event"] in kinds)

        for event in self._unread:
            if fits(event):
                self._unread.remove(event)
                return event
        while True:
            event = self._events.get(timeout=PATIENCE_S)
            if fits(event):
                return event
            self._unread.append(event)

    def end(self, request_id: str | None) -> dict[str, Any]:
        """The last event of a request; none of it may be left over."""
        return self.event(request_id, "result", "error")

    def ask(self, request_id: str, op: str, **fields: object) -> dict[str, Any]:
        self.send(request_id, op, **fields)
        return self.end(request_id)

    def unread(self) -> list[dict[str, Any]]:
        """What came and nobody asked for."""
        while not self._events.empty():
            self._unread.append(self._events.get())
        return self._unread

    def close(self) -> int:
        """End its input and wait for it; its exit status."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join()
            self.process.stdout.close()
