"""A server started for a test session: own process group, own log, always stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).parents[2]
STOP_S = 10.0
POLL_S = 0.2


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server."""

    name: str
    """For messages."""

    process: subprocess.Popen[bytes]
    """Leader of its own process group, so that workers end with it."""

    log_path: Path
    """Where its output goes, both streams."""

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        log_path: Path,
        health_url: str,
        patience_s: float,
    ) -> ServerProcess:
        """Start a server in the repository's root and wait until its health page answers 200.

        Raises:
            RuntimeError: it ended early, or said nothing within ``patience_s``. The tail of its log is in the message.
        """
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                list(command), cwd=ROOT, env=dict(environ), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        server = cls(name=name, process=process, log_path=log_path)
        try:
            server._wait_until_healthy(health_url, patience_s)
        except BaseException:
            server.stop()
            raise
        return server

    def stop(self) -> None:
        """End the process and all that it started."""
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal_number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S)
                return

    def log_tail(self, n_lines: int = 40) -> str:
        """Return the last lines of the log."""
        lines = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join(lines[-n_lines:])

    def _wait_until_healthy(self, health_url: str, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended at its start with {self.process.returncode}:\n{self.log_tail()}")
            with contextlib.suppress(requests.RequestException):
                if requests.get(health_url, timeout=2).ok:
                    return
            time.sleep(POLL_S)
        raise RuntimeError(f"{self.name} wasn't healthy within {patience_s:g} s:\n{self.log_tail()}")
