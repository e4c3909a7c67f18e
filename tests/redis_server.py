"""A real Redis for one test session: on a socket of its own, without a file."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Start Debian's redis-server on a free port; gives its address."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server isn't installed: apt-get install redis-server")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL)
    try:
        url = f"redis://127.0.0.1:{port}"
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        for _ in range(400):
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.05)
            else:
                return
    pytest.fail("redis-server never answered")
