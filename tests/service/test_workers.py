"""Several real workers over one store: gunicorn, three processes of sixteen threads."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from people import N_PEOPLE, N_PICTURES, clicks_of, interleaved
from redis_server import running_redis

from sam_backend.service.app import create_app
from sam_backend.settings import Settings

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "gunicorn", "-c", "python:sam_backend.service.gunicorn_conf"]
Masks = dict[tuple[int, int], list[int]]


@pytest.fixture(params=["redis", "folder"])
def cache_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        yield f"file://{tmp_path}/cache"
        return
    with running_redis(tmp_path) as url:
        yield url


@contextmanager
def _workers(checkpoint: Path, cache_url: str, home: Path) -> Iterator[tuple[str, Path]]:
    """Address of three workers, and what they log."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    environ = {
        **os.environ,
        "SAM_MODEL": str(checkpoint),
        "SAM_DEVICE": "cpu",
        "SAM_CACHE_URL": cache_url,
        "PORT": str(port),
        "HOME": str(home),
        "OMP_NUM_THREADS": "1",
    }
    log = home / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*COMMAND, "--workers", "3", "--threads", "16"], cwd=ROOT, env=environ, stderr=stderr
        )
    try:
        _wait_until_ready(log)
        yield f"http://127.0.0.1:{port}", log
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0  # a machine with other work takes its time to end three of them
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(log: Path) -> None:
    for _ in range(1800):
        if log.read_text().count("model_ready") == 3:
            return
        time.sleep(0.1)
    pytest.fail(f"the workers never were ready: {log.read_text()}")


def _rle(url: str, body: dict[str, Any]) -> list[int]:
    request = urllib.request.Request(url + "/predict", json.dumps(body).encode())  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=90) as answer:  # noqa: S310 - an HTTP error is raised
        return list(json.load(answer)["results"][0]["result"][0]["value"]["rle"])


def _alone(checkpoint: Path, cache_url: str) -> list[Masks]:
    """What each person gets alone, from one worker without a cache in front."""
    app = create_app(Settings(model=str(checkpoint), device="cpu", cache_url=cache_url, cache_mb=0))
    client = app.test_client()
    return [
        {
            (picture, request): client.post("/predict", json=clicks_of(person, picture)[request]).get_json()["results"][
                0
            ]["result"][0]["value"]["rle"]
            for picture, request in interleaved(person)
        }
        for person in range(N_PEOPLE)
    ]


def test_eight_people_on_four_pictures_over_three_workers_get_what_each_gets_alone(
    checkpoint: Path, cache_url: str, tmp_path: Path
) -> None:
    with _workers(checkpoint, cache_url, tmp_path) as (url, log):

        def work(person: int) -> Masks:
            return {
                (picture, request): _rle(url, clicks_of(person, picture)[request])
                for picture, request in interleaved(person)
            }

        with ThreadPoolExecutor(N_PEOPLE) as threads:
            together = list(threads.map(work, range(N_PEOPLE)))
        assert log.read_text().count("encoding picture=") == N_PICTURES
    alone = _alone(checkpoint, f"file://{tmp_path}/alone")
    assert all(mine == wanted for mine, wanted in zip(together, alone, strict=True))  # not ==: its diff takes minutes
