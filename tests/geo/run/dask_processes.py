"""A dask scheduler and its workers, each a process of its own that a test may kill."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


class DaskProcesses:
    """Starts them, and kills what is left in the end."""

    def __init__(self, folder: Path, **config: str) -> None:
        self._folder = folder
        # One thread each, as dask's nanny has it, so that all processes compute the same to the last bit.
        self._environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)} | config
        self._started: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", file)
        self.address = self._address(file)

    def add_worker(self, *words: object, can_import: bool = True) -> subprocess.Popen[bytes]:
        """Start one, which joins when it is ready."""
        if not can_import:
            return self._start("worker", self.address, *words, PYTHONPATH=str(self._folder))
        preload = ("--preload", "sam_backend.geo.run.cluster.tile_work")
        return self._start("worker", self.address, "--nthreads", 1, "--no-nanny", *preload, *words)

    def kill(self) -> None:
        """End them all."""
        for process in self._started:
            process.kill()
            process.wait()

    def _start(self, *words: object, **environment: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{words[0]}-{len(self._started)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *map(str, words), "--no-dashboard"],
                env=self._environment | environment,
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        self._started.append(process)
        return process

    def _address(self, file: Path) -> str:
        until_s = time.monotonic() + 60
        while time.monotonic() < until_s:
            with contextlib.suppress(OSError, ValueError):
                return str(json.loads(file.read_text())["address"])
            time.sleep(0.05)
        raise TimeoutError((self._folder / "scheduler-0.log").read_text())


@contextlib.contextmanager
def dask_processes(folder: Path, **config: str) -> Iterator[DaskProcesses]:
    """A scheduler, for as long as the ``with`` lasts."""
    processes = DaskProcesses(folder, **config)
    try:
        yield processes
    finally:
        processes.kill()
