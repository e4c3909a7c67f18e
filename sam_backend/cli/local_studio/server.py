"""A server that runs as long as this command does."""

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

from sam_backend.cli.local_studio import LocalStudioError

_STOP_S = 15.0
_POLL_S = 0.3
_HOST = "127.0.0.1"


def check_port(port: int, whose: str, how_to_change: str) -> None:
    """See that nobody listens on a port of this machine.

    Raises:
        LocalStudioError: somebody does.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise LocalStudioError(
                f"port {port}, meant for {whose}, can't be had ({error.strerror}): stop what uses it (perhaps an "
                f"earlier start of this), or choose another by {how_to_change}"
            ) from None


@dataclass(frozen=True, slots=True)
class Server:
    """A running server on this machine alone."""

    name: str
    process: subprocess.Popen[bytes]
    """Leader of a process group of its own, so that Ctrl-C reaches us first and all that it starts ends with it."""

    url: str
    log_path: Path

    @classmethod
    def start(cls, name: str, command: Sequence[str], environ: Mapping[str, str], port: int, log_path: Path) -> Server:
        """Start it; both streams go to the log."""
        with log_path.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command
                list(command), env=dict(environ), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        return cls(name, process, f"http://{_HOST}:{port}", log_path)

    def wait_until_healthy(self, patience_s: float) -> None:
        """Wait for its health page.

        Raises:
            LocalStudioError: it ended, or took longer than ``patience_s``.
        """
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}/health", timeout=2).ok:
                    return
            time.sleep(_POLL_S)
        raise LocalStudioError(f"{self.name} wasn't there within {patience_s:g} s: {self._last_words()}")

    def check(self) -> None:
        """See that it still runs.

        Raises:
            LocalStudioError: it doesn't.
        """
        code = self.process.poll()
        if code is not None:
            raise LocalStudioError(f"{self.name} ended by itself ({code}): {self._last_words()}")

    def stop(self) -> None:
        """End it and all that it started: politely, then not."""
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal_number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_S)
                return

    def _last_words(self, n_lines: int = 12) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines()[-n_lines:]
        return "\n".join([f"the end of {self.log_path} is", *(f"  {line}" for line in lines)])
