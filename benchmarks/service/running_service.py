"""The service as people run it, for a benchmark: gunicorn in processes of its own, asked over the network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[2]
START_S, STOP_S = 300.0, 60.0
ANSWER_S = 600.0
"""A slow machine may encode for long; Label Studio would give up after 100 s."""


@dataclass(frozen=True, slots=True)
class RunningService:
    """Where it listens, and what it logs."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def ask(self, body: dict[str, Any]) -> tuple[Any, float]:
        """The answer to a ``/predict``, and the seconds from request to response.

        Raises:
            requests.RequestException: there was none, or one that tells of an error.
        """
        data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        started_s = time.perf_counter()
        answer = requests.post(f"{self.url}/predict", data=data, headers=headers, timeout=ANSWER_S)
        took_s = time.perf_counter() - started_s
        answer.raise_for_status()
        return answer.json(), took_s

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        pid = self.process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def wait_until_logged(self, text: str, n_times: int) -> None:
        """Wait until the log holds a text so often.

        Raises:
            RuntimeError: the service ended, or it took too long.
        """
        until_s = time.monotonic() + START_S
        while self.log.read_text().count(text) < n_times:
            if self.process.poll() is not None or time.monotonic() > until_s:
                raise RuntimeError(f"the service never logged {text!r} {n_times} times:\n{self.log.read_text()}")
            time.sleep(0.02)


@contextmanager
def running_service(
    folder: Path, *, python: Path | None = None, n_workers: int = 1, n_threads: int = 8, **settings: str
) -> Iterator[RunningService]:
    """Start gunicorn and wait for the model in every worker.

    Args:
        folder: for its log.
        python: of the environment that it runs in; None: this one.
        n_workers: processes.
        n_threads: of each.
        settings: variables of its environment.
    """
    port = free_port()
    gunicorn = [str(python or sys.executable), "-m", "gunicorn", "-c", "python:sam_backend.service.gunicorn_conf"]
    command = [*gunicorn, "--workers", str(n_workers), "--threads", str(n_threads)]
    ours = {"SAM_DEVICE": "cpu", "SAM_ALLOWED_HOSTS": "127.0.0.1", "SAM_DATA_FOLDER": str(folder / "data")}
    environ = {**os.environ, **ours, "PORT": str(port), **settings}
    log = folder / f"service-{port}.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=stderr)  # noqa: S603 - our own
    service = RunningService(f"http://127.0.0.1:{port}", log, process)
    try:
        service.wait_until_logged("model_ready", n_workers)
        yield service
    finally:
        _stop(process)


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Start a Redis that keeps nothing; gives its address.

    Raises:
        RuntimeError: it isn't installed.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise RuntimeError("redis-server isn't installed: apt-get install redis-server")
    port = free_port()
    where = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command = [program, *where, "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        _wait_for_port(port)
        yield f"redis://127.0.0.1:{port}"
    finally:
        _stop(process)


def free_port() -> int:
    """One of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_for_port(port: int) -> None:
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nothing ever listened on port {port}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end; where it takes long, as on a busy machine, make it."""
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    process.kill()
    process.wait()


def percentiles_ms(seconds: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile; of few values the latter is the largest, or nearly."""
    in_order = sorted(seconds)
    last = len(in_order) - 1
    return 1000 * in_order[round(0.5 * last)], 1000 * in_order[round(0.95 * last)]
