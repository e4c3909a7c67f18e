import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from segment_anything.engine import environment
from segment_anything.engine.engine import EngineError, ErrorKind
from segment_anything.engine.environment import find_python, look_at, make_environment, python_of

METADATA = "Metadata-Version: 2.1\nName: sam-backend\nVersion: 0.0.1\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment, which takes seconds to make, so that tests share it."""
    return tmp_path_factory.mktemp("environment") / "made"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that has a package ``sam_backend`` and needs nothing."""
    path = tmp_path_factory.mktemp("wheels") / "sam_backend-0.0.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sam_backend/__init__.py", "")
        archive.writestr("sam_backend-0.0.1.dist-info/METADATA", METADATA)
        archive.writestr("sam_backend-0.0.1.dist-info/WHEEL", WHEEL)
        archive.writestr("sam_backend-0.0.1.dist-info/RECORD", "")
    return path


def test_an_environment_is_made_and_has_the_backend_without_the_internet(wheel: Path, folder: Path) -> None:
    lines: list[str] = []

    python = make_environment(
        sys.executable,
        str(folder),
        "sam-backend",
        ["--no-index", "--find-links", str(wheel.parent)],
        lines.append,
    )

    found = look_at(python)
    assert python == python_of(str(folder))
    assert found is not None
    assert found.has_backend
    assert any("Successfully installed sam-backend-0.0.1" in line for line in lines)


def test_a_wheel_that_is_missing_offline_is_named_with_the_cure(wheel: Path, folder: Path) -> None:
    with pytest.raises(EngineError, match="the folder of wheels lacks one") as caught:
        make_environment(
            sys.executable, str(folder), "sam-backend==9", ["--no-index", "--find-links", str(wheel.parent)]
        )

    assert caught.value.kind == ErrorKind.NOT_SET_UP


def test_nothing_to_install_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="give the project's wheel"):
        make_environment(sys.executable, str(tmp_path / "made"), "")


def test_making_one_can_be_stopped(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        make_environment(sys.executable, str(tmp_path / "made"), "sam-backend", is_cancelled=lambda: True)

    assert caught.value.kind == ErrorKind.CANCELLED


def test_a_python_on_path_is_found_and_a_file_that_is_none_is_not() -> None:
    assert find_python().is_recent_enough
    assert look_at("/bin/true") is None
    assert look_at("/nowhere/python") is None


@pytest.mark.parametrize(
    ("says", "message"),
    [
        pytest.param('{"version": [3, 8, 1], "can_make_venv": true, "has_backend": false}', "from 3.10 on", id="old"),
        pytest.param(
            '{"version": [3, 12, 1], "can_make_venv": false, "has_backend": false}', "python3-venv", id="bare"
        ),
        pytest.param("no JSON", "is no Python that starts", id="no Python"),
    ],
)
def test_a_python_that_cannot_make_one_is_refused_with_the_cure(tmp_path: Path, says: str, message: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{says}'\n")
    python.chmod(0o755)

    with pytest.raises(EngineError, match=message):
        make_environment(str(python), str(tmp_path / "made"), "sam-backend")


def test_without_any_python_the_cure_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(EngineError, match="install one"):
        find_python()


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        pytest.param(["ERROR: [Errno 28] No space left on device"], "make room", id="full disk"),
        pytest.param(["Temporary failure in name resolution"], "pip download", id="no internet"),
        pytest.param(["ERROR: what?"], "the log above", id="unknown"),
    ],
)
def test_a_failure_of_pip_leads_to_what_helps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str], advice: str
) -> None:
    python = tmp_path / "made" / "bin" / "python"
    python.parent.mkdir(parents=True)
    script = f"#!{sys.executable}\nimport sys\nfor line in {said!r}:\n    print(line)\nsys.exit(1)\n"
    python.write_text(script)
    python.chmod(0o755)

    with pytest.raises(EngineError, match=advice):
        make_environment(sys.executable, str(tmp_path / "made"), "sam-backend")


def test_what_installs_ends_with_who_asked_for_it(tmp_path: Path) -> None:
    said = tmp_path / "pid"
    long_work = f"import os, time; open({str(said)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    tied = subprocess.Popen(
        [sys.executable, "-I", "-c", environment._TIED_TO_US, sys.executable, "-I", "-c", long_work],
        stdin=subprocess.PIPE,
    )
    while not (said.exists() and said.read_text()):
        time.sleep(0.02)

    assert tied.stdin is not None
    tied.stdin.close()
    tied.wait(10)

    until = time.monotonic() + 10
    while alive(int(said.read_text())) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(int(said.read_text()))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
