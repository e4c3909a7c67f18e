from pathlib import Path

import pytest
import torch

from sam_backend.__main__ import main
from sam_backend.model.checkpoint import checkpoint_version
from sam_backend.model.sam import Sam
from sam_backend.service.versions.book import VersionBook
from sam_backend.service.versions.training_lock import training_lock
from sam_backend.service.versions.version import Version
from sam_backend.training.project.judging import Figures


@pytest.fixture(autouse=True)
def environment(tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SAM_MODEL": str(tiny_checkpoint), "SAM_DATA_FOLDER": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def version(tmp_path: Path, tiny_network: Sam) -> Version:
    book = VersionBook(tmp_path / "versions")
    with training_lock(book.lock_file):
        name = book.begin(5).name
    torch.save(tiny_network.state_dict(), book.weights(name))
    figures = {"old": Figures(0.5, 0.5, 0.5), "new": Figures(0.6, 0.6, 0.6)}
    model_version = checkpoint_version(str(book.weights(name)))
    version = Version(
        name=name, project=5, state="ready", begun_at="2026-01-01", model_version=model_version, **figures
    )
    book.write(version)
    return version


def test_versions_are_listed_used_and_dropped(
    version: Version, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = checkpoint_version(str(tiny_checkpoint))
    line = f"{version.model_version}: ready: mean IoU 0.600, before 0.500, project 5"
    assert main(["versions"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"* {own}: ")
    assert second.startswith(f"  {line}")
    assert main(["versions", "use", str(version.model_version)]) == 0
    assert capsys.readouterr().out == f"{version.model_version} is in force\n"
    assert main(["versions"]) == 0
    assert f"* {line}" in capsys.readouterr().out
    assert main(["versions", "drop", version.name]) == 2
    assert "is in force" in capsys.readouterr().err
    for name in (own, "settings"):
        assert main(["versions", "use", name]) == 0
        assert capsys.readouterr().out == "the model of SAM_MODEL is in force\n"
    assert main(["versions", "drop", str(version.model_version)]) == 0
    assert capsys.readouterr().out == f"dropped {version.name}\n"
    assert not (tmp_path / "versions" / version.name).exists()
    assert main(["versions", "use", version.name]) == 2
    assert "there is no version" in capsys.readouterr().err


def test_a_training_that_cannot_begin_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--project", "5"]) == 2
    assert "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY" in capsys.readouterr().err
    (version,) = VersionBook(tmp_path / "versions").all()
    assert version.state == "failed"
    assert "set LABEL_STUDIO_URL" in str(version.reason)


def test_a_training_needs_a_place_or_a_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--init", "embedded"]) == 2
    assert "give -o FOLDER, or --project N" in capsys.readouterr().err
