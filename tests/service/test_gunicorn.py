import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from click_bodies import click_body

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "gunicorn", "-c", "python:sam_backend.service.gunicorn_conf"]


def _ask(url: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=30) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _environ(checkpoint: Path, **changes: str) -> dict[str, str]:
    usual = {"SAM_MODEL": str(checkpoint), "SAM_DEVICE": "cpu", "PYTHONWARNINGS": "default"}
    return {**os.environ, **usual, **changes}


def _first_health(url: str) -> dict[str, Any]:
    for _ in range(600):
        try:
            return _ask(url + "/health")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    pytest.fail("gunicorn never answered")


def test_real_gunicorn_answers_and_stops(checkpoint: Path, data_uri: str, tmp_path: Path) -> None:
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environ = _environ(checkpoint, PORT=str(port), HOME=str(tmp_path))
    process = subprocess.Popen(COMMAND, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        assert _first_health(url)["status"] == "UP"
        started_s = time.perf_counter()
        health = _ask(url + "/health")
        assert time.perf_counter() - started_s < 1
        (result,) = _ask(url + "/predict", click_body(data_uri))["results"]
        assert result["result"][0]["type"] == "brushlabels"
        assert result["model_version"] == health["model_version"]
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    (line,) = [line for line in log.splitlines() if "model_ready" in line]
    assert 'model="tiny"' in line
    assert 'device="cpu"' in line
    assert f"http://HOST:{port}" in line
    assert "ML_BLOCK_LOCAL_IP=false" in line
    assert not list(tmp_path.rglob("*.ctl"))


def test_configuration_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9123")
    read = runpy.run_module("sam_backend.service.gunicorn_conf")
    assert (read["bind"], read["workers"], read["preload_app"]) == ("0.0.0.0:9123", 1, False)
    monkeypatch.setenv("PORT", "many")
    with pytest.raises(SystemExit, match="PORT='many'"):
        runpy.run_module("sam_backend.service.gunicorn_conf")


def test_wrong_setting_stops_gunicorn_with_one_sentence(checkpoint: Path) -> None:
    done = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=_environ(checkpoint, PORT="many"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == "sam_backend: PORT='many' makes no sense: give a whole number from 1 to 65535"
