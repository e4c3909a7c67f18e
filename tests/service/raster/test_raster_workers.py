"""Runs that another worker works on: real gunicorn, two processes over one spool."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from raster_runs import all_events, begin, run_body

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "gunicorn", "-c", "python:sam_backend.service.gunicorn_conf"]
TOKEN = "a-token-of-some-length"  # noqa: S105 - of this test


@dataclass
class Server:
    """A gunicorn of one process, so that the test knows which one it asks."""

    url: str
    process: subprocess.Popen[str]

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {TOKEN}"}
        request = urllib.request.Request(f"{self.url}/raster{path}", data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


def _start(environ: dict[str, str], log: Path) -> Server:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with log.open("w") as stderr:
        process = subprocess.Popen(
            COMMAND, cwd=ROOT, env={**os.environ, **environ, "PORT": str(port)}, stderr=stderr, text=True
        )
    return Server(f"http://127.0.0.1:{port}", process)


def _wait_until_up(server: Server) -> None:
    for _ in range(1200):
        try:
            with urllib.request.urlopen(f"{server.url}/health", timeout=30) as answer:  # noqa: S310 - loopback
                assert json.load(answer) == {"status": "UP"}
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("gunicorn never answered")


@pytest.fixture
def servers(tiny_checkpoint: Path, shelf: Path, tmp_path: Path) -> Iterator[list[Server]]:
    (tmp_path / "spool").mkdir()
    environ = {
        "SAM_MODEL": str(tiny_checkpoint),
        "SAM_DEVICE": "cpu",
        "SAM_API_TOKEN": TOKEN,
        "SAM_RASTER_SPOOL": str(tmp_path / "spool"),
        "SAM_RASTER_FOLDERS": f"{shelf}:{tmp_path}",
        "OMP_NUM_THREADS": "1",
        "HOME": str(tmp_path),
    }
    started = [_start(environ, tmp_path / f"log{index}") for index in range(2)]
    try:
        for server in started:
            _wait_until_up(server)
        yield started
    finally:
        for server in started:
            server.process.kill()
            server.process.wait()


def _workers_of(server: Server) -> list[int]:
    """Process ids of what gunicorn's master has started."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def _wait_for_a_tile(server: Server, run: str) -> None:
    n_known = 0
    while True:
        answer = server.ask("GET", f"/runs/{run}/events?after={n_known}&wait=5")[1]
        assert not any(event["event"] in ("result", "error") for event in answer["events"]), answer
        if any(event["event"] == "progress" and event["n_finished"] for event in answer["events"]):
            return
        n_known = answer["next"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the worker in /proc")
def test_any_worker_tells_of_a_run_and_a_dead_ones_run_is_told_as_interrupted(
    servers: list[Server], geotiff: Path, tmp_path: Path
) -> None:
    here, there = servers
    long = run_body(geotiff, overlap=60, points_per_side=20)
    run = begin(here.ask, long)
    _wait_for_a_tile(there, run)
    waiting = begin(there.ask, run_body(geotiff, heal=False))
    said = there.ask("GET", f"/runs/{waiting}/events?wait=20")[1]["events"]
    assert said[0]["message"] == "waiting: one run goes before this one"
    told: list[dict[str, Any]] = []
    polling = threading.Thread(target=lambda: told.extend(all_events(there.ask, run)))
    polling.start()
    (worker,) = _workers_of(here)
    os.kill(worker, signal.SIGKILL)
    killed_s = time.monotonic()
    polling.join(60)
    assert time.monotonic() - killed_s < 10
    assert (told[-1]["event"], told[-1]["kind"]) == ("error", "unavailable")
    assert "interrupted" in told[-1]["message"]
    assert all_events(here.ask, waiting)[-1]["state"] == "complete"  # it had its turn once the other was dead
    resumed = begin(there.ask, {**long, "start": "resume"})
    first = there.ask("GET", f"/runs/{resumed}/events?wait=20")[1]["events"][0]
    assert " 0 done before" not in first["message"]
    assert "done before" in first["message"]
    assert here.ask("DELETE", f"/runs/{resumed}")[1]["found"] is True  # cancelled through the other worker
    assert all_events(there.ask, resumed)[-1]["state"] == "cancelled"


def test_a_worker_that_is_told_to_stop_ends_in_order_and_its_run_goes_on_elsewhere(
    servers: list[Server], geotiff: Path, tmp_path: Path
) -> None:
    here, there = servers
    run = begin(here.ask, run_body(geotiff, overlap=60, points_per_side=20))
    _wait_for_a_tile(there, run)
    here.process.send_signal(signal.SIGTERM)
    assert here.process.wait(60) == 0
    events = all_events(there.ask, run)
    assert "interrupted" in events[-1]["message"]
    log = (tmp_path / "log0").read_text()
    assert 'end="interrupted"' in log
    assert "Traceback" not in log
    assert not any(word in log for word in ("terminate called", "Aborted", "SIGABRT"))


def test_wrong_token_gets_no_further(servers: list[Server]) -> None:
    request = urllib.request.Request(f"{servers[0].url}/raster/hello", b"{}", {"Authorization": "Bearer x"})  # noqa: S310
    with pytest.raises(urllib.error.HTTPError, match="401") as caught, urllib.request.urlopen(request, timeout=30):  # noqa: S310
        pass
    caught.value.close()
