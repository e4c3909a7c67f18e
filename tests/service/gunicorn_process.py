"""The service as people run it, in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "gunicorn", "-c", "python:sam_backend.service.gunicorn_conf"]
READY_S, END_S = 180.0, 120.0
"""A machine with other work takes its time."""


@dataclass(frozen=True)
class GunicornProcess:
    port: int
    log_path: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def wait_until_logged(self, text: str, n_times: int = 1) -> None:
        until_s = time.monotonic() + READY_S
        while self.log.count(text) < n_times:
            if self.process.poll() is not None or time.monotonic() > until_s:
                raise AssertionError(f"never logged {text!r} {n_times} times: {self.log}")
            time.sleep(0.02)


@contextmanager
def running_gunicorn(checkpoint: Path, folder: Path, *options: str, **settings: str) -> Iterator[GunicornProcess]:
    """Gunicorn with its model loaded, until the ``with`` ends or somebody stops it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    usual = {"SAM_MODEL": str(checkpoint), "SAM_DEVICE": "cpu", "PORT": str(port), "HOME": str(folder)}
    environ = {**os.environ, **usual, "OMP_NUM_THREADS": "1", **settings}
    log_path = folder / "log"
    with log_path.open("wb") as stderr:
        process = subprocess.Popen([*COMMAND, *options], cwd=ROOT, env=environ, stderr=stderr)
    running = GunicornProcess(port, log_path, process)
    try:
        running.wait_until_logged("model_ready", int(settings.get("SAM_WORKERS", "1")))
        yield running
        if process.poll() is None:
            process.terminate()
        assert process.wait(END_S) == 0, running.log
    finally:
        process.kill()
        process.wait()
