"""The CPU image, built from its Dockerfile and run as a container: other user, read-only root, its own command.

Slow, since it installs PyTorch: ``make docker-test``.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from builder import Image, build_image, make_base

PATIENCE_S = 600.0


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    folder = tmp_path_factory.mktemp("image")
    make_base(folder)
    build_image(folder, "cpu")
    opened = Image.open()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def running(image: Image, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    log_path = tmp_path_factory.mktemp("log") / "container.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            image.command(image.config["Cmd"], PORT=str(port)), stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_for_model(process, port, log_path)
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def _wait_for_model(process: subprocess.Popen[bytes], port: int, log_path: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"http://127.0.0.1:{port}/health", timeout=5).json().get("state") == "ready":
                return
        except requests.RequestException:
            pass
        time.sleep(0.5)
    raise AssertionError(f"no model behind /health ({process.poll()}):\n{log_path.read_text()[-3000:]}")


def run_in(image: Image, words: list[str], **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(image.command(words, **environ), capture_output=True, text=True)


def test_the_service_answers_with_its_model(running: subprocess.Popen[bytes], port: int) -> None:
    assert requests.get(f"http://127.0.0.1:{port}/health", timeout=30).json()["status"] == "UP"


def test_it_runs_as_the_image_s_user(running: subprocess.Popen[bytes]) -> None:
    status = Path(f"/proc/{running.pid}/status").read_text()
    assert "Uid:\t10001\t10001\t10001\t10001" in status


def test_its_health_check_says_so(image: Image, running: subprocess.Popen[bytes], port: int) -> None:
    kind, *check = image.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    assert run_in(image, check, PORT=str(port)).returncode == 0


def test_its_health_check_fails_where_nobody_answers(image: Image) -> None:
    _, *check = image.config["Healthcheck"]["Test"]
    assert run_in(image, check, PORT="1").returncode != 0


@pytest.mark.parametrize("path", ["/app/x", "/opt/venv/x", "/x"])
def test_what_it_is_made_of_cannot_be_written(image: Image, path: str) -> None:
    assert "Read-only file system" in run_in(image, ["touch", path]).stderr


@pytest.mark.parametrize("path", ["/data/x", "/data/cache/x", "/data/raster/x", "/tmp/x"])  # noqa: S108 - in the image
def test_its_volume_can_be_written(image: Image, path: str) -> None:
    assert run_in(image, ["touch", path]).returncode == 0


def test_no_build_tools_are_left_in_it(image: Image) -> None:
    found = [name for name in ("opt/venv/bin/pip", "opt/tools", "build", "usr/bin/gcc") if (image.root / name).exists()]
    assert found == []
