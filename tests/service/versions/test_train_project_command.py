"""``train --project`` against a project on loopback; with the others of its kind because it needs the same fixtures."""

import os
import signal
from pathlib import Path

import pytest
from taught_project import TOKEN, TaughtStudio

from sam_backend.__main__ import main
from sam_backend.cli import train_project
from sam_backend.service.versions.book import VersionBook
from sam_backend.service.versions.project_training import ProjectTraining

WORDS = ["train", "--project", "5", "--steps", "2", "--held-out", "0.3", "--no-promote"]


@pytest.fixture(autouse=True)
def environment(checkpoint: Path, tmp_path: Path, studio: TaughtStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SAM_MODEL": str(checkpoint),
        "SAM_DEVICE": "cpu",
        "SAM_DATA_FOLDER": str(tmp_path / "data"),
        "LABEL_STUDIO_URL": studio.url,
        "LABEL_STUDIO_API_KEY": TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(train_project, "_stand_back", lambda: None)  # this process has other tests to run
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_training_prints_how_it_ends(book: VersionBook, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(WORDS)
    (version,) = book.all()
    assert version.state in ("ready", "refused")
    assert code == (0 if version.state == "ready" else 1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith(f"{version.name} is {version.state}: mean IoU ")
    assert book.in_force() is None


def test_a_second_training_waits(book: VersionBook, capsys: pytest.CaptureFixture[str]) -> None:
    from sam_backend.service.versions.training_lock import training_lock

    with training_lock(book.lock_file):
        assert main(WORDS) == 2
    assert "another training is under way" in capsys.readouterr().err
    assert book.all() == []


def test_ctrl_c_leaves_a_reason(
    book: VersionBook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(self: ProjectTraining, project: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(ProjectTraining, "run", interrupted)
    assert main(WORDS) == 130
    assert "stopped" in capsys.readouterr().err
    (version,) = book.all()
    assert (version.state, version.reason) == ("stopped", "somebody stopped it")


def test_a_crash_leaves_a_reason(
    book: VersionBook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(self: ProjectTraining, project: object) -> None:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(ProjectTraining, "run", crash)
    assert main(WORDS) == 1
    assert "Traceback" in capsys.readouterr().err
    (version,) = book.all()
    assert version.state == "failed"
    assert "RuntimeError: CUDA out of memory" in str(version.reason)


def test_a_version_that_the_service_made_is_worked_on(book: VersionBook) -> None:
    from sam_backend.service.versions.training_lock import training_lock

    with training_lock(book.lock_file):
        version = book.begin(5)
        main([*WORDS, "--into", version.name])
    (found,) = book.all()
    assert found.name == version.name
    assert found.counts.objects > 0
