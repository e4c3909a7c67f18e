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
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click_bodies import click_body

from sam_backend.service import gunicorn_conf
from sam_backend.service.metrics.shared_folder import FOLDER_VARIABLE
from sam_backend.settings import Settings

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
    monkeypatch.delitem(sys.modules, gunicorn_conf.__name__)
    monkeypatch.setenv("PORT", "9123")
    read = runpy.run_module("sam_backend.service.gunicorn_conf")
    assert (read["bind"], read["workers"], read["preload_app"]) == ("0.0.0.0:9123", 1, False)
    assert "logconfig_dict" not in read
    monkeypatch.setenv("SAM_WORKERS", "3")
    monkeypatch.setenv("SAM_THREADS", "5")
    monkeypatch.setenv("SAM_LOG_FORMAT", "json")
    monkeypatch.setenv("SAM_PREDICT_WAIT_S", "40.5")
    read = runpy.run_module("sam_backend.service.gunicorn_conf")
    assert (read["workers"], read["threads"], read["graceful_timeout"]) == (3, 5, 50)
    assert read["logconfig_dict"]["root"]["handlers"] == ["stderr"]
    monkeypatch.setenv("PORT", "many")
    with pytest.raises(SystemExit, match="PORT='many'"):
        runpy.run_module("sam_backend.service.gunicorn_conf")


@dataclass
class _Server:
    """What the hooks see of gunicorn."""

    cfg: SimpleNamespace
    said: list[str] = field(default_factory=list)

    @property
    def log(self) -> SimpleNamespace:
        return SimpleNamespace(warning=lambda text, *values: self.said.append(text % values))


@pytest.mark.parametrize(
    ("cache_url", "n_workers", "warns"),
    [("memory", 2, True), ("memory", 1, False), ("redis://host", 2, False)],
)
def test_what_workers_share_is_made_and_what_they_dont_is_said(
    monkeypatch: pytest.MonkeyPatch, cache_url: str, n_workers: int, warns: bool
) -> None:
    monkeypatch.setenv("SAM_CACHE_URL", cache_url)
    monkeypatch.setenv("SAM_THREADS", "16")
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(gunicorn_conf, "_settings", Settings.from_env(os.environ))
    server = _Server(SimpleNamespace(workers=n_workers, threads=7))
    gunicorn_conf.on_starting(server)
    assert os.environ["SAM_THREADS"] == "7"  # what the command line said
    folder = Path(os.environ[FOLDER_VARIABLE])
    (folder / "gauge_livesum_4711.db").touch()
    gunicorn_conf.child_exit(server, SimpleNamespace(pid=4711))
    assert list(folder.iterdir()) == []
    gunicorn_conf.on_exit(server)
    assert not folder.exists()
    assert [text.startswith("2 workers share neither") for text in server.said] == [True] * warns


def test_wrong_settings_stop_gunicorn_with_a_sentence_each(checkpoint: Path) -> None:
    done = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=_environ(checkpoint, PORT="many", SAM_DTYPE="half"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "sam_backend: SAM_DTYPE='half' is no number type for this model: give float32 or bfloat16",
        "sam_backend: PORT='many' makes no sense: give a whole number from 1 to 65535",
    ]
