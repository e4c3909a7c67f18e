"""Dask schedulers and workers that a test may kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Process:
    pid: int
    address: str

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


class Nursery:
    """See `dask_nursery`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with (folder / "log").open("wb") as log:
            self._program = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("dask_nursery.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=folder,
                env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
            )

    def scheduler(self, **config: object) -> Process:
        """One with these settings of dask's."""
        return self._start(config=config)

    def worker(self, scheduler: Process, nthreads: int = 1, **wanted: object) -> Process:
        """One that has joined."""
        return self._start(scheduler=scheduler.address, nthreads=nthreads, folder=str(self._folder), **wanted)

    def close(self) -> None:
        """End all."""
        self._program.communicate()

    def _start(self, **wanted: object) -> Process:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps(wanted) + "\n")
        self._program.stdin.flush()
        line = self._program.stdout.readline()
        assert line, (self._folder / "log").read_text()[-2000:]
        return Process(*json.loads(line))
