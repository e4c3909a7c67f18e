import dataclasses
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from taught_project import PROJECT, TOKEN, TaughtStudio

from sam_backend.errors import StorageError
from sam_backend.model.checkpoint import checkpoint_version
from sam_backend.service.app import create_app
from sam_backend.service.versions import background
from sam_backend.service.versions.background import start_training
from sam_backend.service.versions.book import VersionBook
from sam_backend.settings import Settings

PATIENCE_S = 240
START = {"action": "START_TRAINING", "project": {"id": PROJECT}}


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Those that were started, to be ended by their ids alone."""
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def remember(*words: object, **how: object) -> object:
        started.append(popen(*words, **how))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(background.subprocess, "Popen", remember)
    return started


def _wait_until(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.1)


def test_start_training_ends_in_a_version_that_says_what_came_of_it(
    settings: Settings, book: VersionBook, studio: TaughtStudio, processes: list[subprocess.Popen[bytes]]
) -> None:
    """The webhook answers at once, a second press is refused, the service goes on, and follows in the end."""
    studio.hold = threading.Event()
    client = create_app(settings).test_client()
    client.post("/setup", json={"project": "5.1"})
    started_s = time.perf_counter()
    answer = client.post("/webhook", json=START)
    assert time.perf_counter() - started_s < 1
    assert (answer.status_code, answer.get_json()) == (200, {})
    again = client.post("/webhook", json=START)
    assert again.status_code == 409
    assert "another training is under way" in again.get_json()["error"]
    assert studio.asked.wait(PATIENCE_S)
    _wait_until(lambda: book.read("project-5-v1").progress is not None)
    page = client.get("/").get_json()["sections"]["Training"]
    assert (page["state"], page["doing"]) == ("training", "reading the project")
    (process,) = processes
    assert os.getsid(process.pid) == process.pid
    assert os.getpriority(os.PRIO_PROCESS, process.pid) > os.getpriority(os.PRIO_PROCESS, 0)
    studio.hold.set()
    _wait_until(lambda: book.read("project-5-v1").state != "training")
    version = book.read("project-5-v1")
    assert version.state in ("ready", "refused"), book.log(version.name).read_text()
    assert version.old is not None
    assert version.new is not None
    assert (version.new.mean >= version.old.mean) == (version.state == "ready")
    if version.state == "refused":
        assert book.in_force() is None
        book.use(version.name)
    _wait_until(lambda: _setup(client) == version.model_version)
    assert process.wait(PATIENCE_S) == (0 if version.state == "ready" else 1)
    assert f"{version.name} is {version.state}" in book.log(version.name).read_text()
    page = client.get("/").get_json()["sections"]["Training"]
    assert (page["state"], page["before"]) == (version.state, str(version.old))


def test_a_killed_training_says_so_and_leaves_nothing_in_force(
    settings: Settings, book: VersionBook, studio: TaughtStudio, processes: list[subprocess.Popen[bytes]]
) -> None:
    studio.hold = threading.Event()
    for signal_number, reason in ((signal.SIGKILL, "killed"), (signal.SIGTERM, "somebody stopped it")):
        studio.asked.clear()
        name = start_training(book, settings, PROJECT)
        assert studio.asked.wait(PATIENCE_S)
        os.kill(processes[-1].pid, signal_number)
        processes[-1].wait(PATIENCE_S)
        version = book.read(name)
        assert version.state == "stopped"
        assert reason in str(version.reason)
    assert [found.name for found in book.all()] == [name]
    assert not list(book.folder.rglob("*.pth*"))
    assert book.in_force() is None


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({"label_studio_url": None, "label_studio_api_key": None}, "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY,"),
        ({"label_studio_api_key": None}, "set LABEL_STUDIO_API_KEY,"),
    ],
    ids=["neither", "no key"],
)
def test_without_a_token_the_answer_says_what_to_set(
    changes: dict[str, None], lacking: str, settings: Settings, book: VersionBook
) -> None:
    client = create_app(dataclasses.replace(settings, **changes)).test_client()
    answer = client.post("/webhook", json=START)
    assert answer.status_code == 409
    assert lacking in answer.get_json()["error"]
    assert not book.folder.exists()
    assert "none yet" in client.get("/").get_json()["sections"]["Training"]["state"]


@pytest.mark.parametrize("project", [None, {}, {"id": "5"}, {"id": True}, {"id": 0}, [5]])
def test_a_training_of_no_project_is_refused(project: object, settings: Settings) -> None:
    client = create_app(settings).test_client()
    answer = client.post("/webhook", json={"action": "START_TRAINING", "project": project})
    assert answer.status_code == 400
    assert "without a project's id" in answer.get_json()["error"]


def test_a_training_needs_the_token(settings: Settings, book: VersionBook) -> None:
    client = create_app(dataclasses.replace(settings, api_token=TOKEN)).test_client()
    assert client.post("/webhook", json=START).status_code == 401
    assert not book.folder.exists()


def test_a_training_marked_unauthorized_is_refused(settings: Settings, book: VersionBook) -> None:
    app = create_app(settings)

    @app.before_request
    def mark() -> None:
        from flask import g

        g.is_authorized = False

    assert app.test_client().post("/webhook", json=START).status_code == 401
    assert not book.folder.exists()


def test_a_process_that_cannot_be_started_is_told(
    settings: Settings, book: VersionBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*words: object, **how: object) -> None:
        raise OSError(12, "no memory")

    monkeypatch.setattr(background.subprocess, "Popen", fail)
    with pytest.raises(StorageError, match="no memory"):
        start_training(book, settings, PROJECT)
    (version,) = book.all()
    assert (version.state, version.reason) == ("failed", "no process could be started: no memory")


def test_a_dropped_version_ends_quietly(book: VersionBook) -> None:
    with subprocess.Popen(["true"]) as process:  # noqa: S607 - wherever it is
        background._see_out(book, "project-5-v1", process)


def test_a_folder_that_cannot_be_made_is_told_on_the_way(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    client = create_app(dataclasses.replace(settings, data_folder=tmp_path / "file")).test_client()
    answer = client.post("/webhook", json=START)
    assert answer.status_code == 507
    assert "SAM_DATA_FOLDER" in answer.get_json()["error"]
    assert client.get("/versions").get_json() == {"versions": [checkpoint_version(settings.model)]}


def _setup(client: FlaskClient) -> str:
    return str(client.post("/setup", json={"project": "5.1"}).get_json()["model_version"])
