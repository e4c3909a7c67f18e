"""The real service in a process of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import BACKEND_PYTHON

_SCRIPT = Path(__file__).with_name("serve.py")


@contextmanager
def running_server(weights: str | Path, token: str, spool: Path) -> Iterator[str]:
    """Its URL, while it runs.

    Args:
        weights: file or name of the model.
        token: that it wants.
        spool: folder for what is sent to it.
    """
    server = subprocess.Popen(
        [BACKEND_PYTHON, "-I", "-u", _SCRIPT, weights, token, spool],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # as of the worker: sums of floats depend on it
    )
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.kill()
        server.communicate()
