"""``studio`` starts two servers, makes a project, says where to click, and ends both on Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from stand_in_studio import serve

from sam_backend.__main__ import main
from sam_backend.cli.local_studio import LocalStudioError, installing
from sam_backend.cli.local_studio.installing import install_label_studio
from sam_backend.cli.local_studio.pictures import _STAINS as STAINS
from sam_backend.cli.local_studio.pictures import paint_nuclei, write_pictures
from sam_backend.cli.local_studio.sample_project import TITLE, LocalStudio
from sam_backend.cli.local_studio.server import Server, check_port
from sam_backend.cli.local_studio.sign_in import keep_sign_in

ROOT = Path(__file__).parents[2]
TOKEN = "0123456789abcdef0123456789abcdef01234567"  # noqa: S105 - of a stand-in on loopback


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- pictures


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_pictures(tmp_path_factory.mktemp("pictures"), n_pictures=2)


def test_pictures_are_written_once_and_differ(pictures: list[Path]) -> None:
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in pictures]
    assert write_pictures(pictures[0].parent, n_pictures=2) == pictures
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in pictures] == before
    assert before[0][0] != before[1][0]


@pytest.mark.parametrize("stain", STAINS, ids=["blue", "green", "slide"])
def test_a_picture_has_a_ground_and_things_that_stand_out(stain: object) -> None:
    picture = paint_nuclei(np.random.default_rng(0), stain).astype(int)  # type: ignore[arg-type]
    assert picture.shape == (600, 800, 3)
    ground = np.median(picture.reshape(-1, 3), axis=0)
    differs = np.abs(picture - ground).max(axis=-1) > 40
    assert 0.05 < differs.mean() < 0.4


# --- who signs in


def test_the_account_is_made_up_once_and_kept_from_others(tmp_path: Path) -> None:
    first = keep_sign_in(tmp_path / "sign-in.json", is_new=True)
    assert keep_sign_in(tmp_path / "sign-in.json", is_new=False) == first
    assert (tmp_path / "sign-in.json").stat().st_mode & 0o777 == 0o600
    assert (len(first.token), first.password in repr(first)) == (40, False)
    assert keep_sign_in(tmp_path / "another.json", is_new=True).password != first.password


@pytest.mark.parametrize("content", [None, "{}", "no JSON", "[]"], ids=["gone", "empty", "damaged", "a list"])
def test_a_lost_account_is_told_with_the_way_out(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "sign-in.json").write_text(content)
    with pytest.raises(LocalStudioError, match=r"bring it back, or remove .* to begin anew"):
        keep_sign_in(tmp_path / "sign-in.json", is_new=False)


# --- installing


@pytest.fixture
def asked_of_pip(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What pip is asked for; it installs nothing but the command's file."""
    asked: list[list[str]] = []

    def run_pip(folder: Path, requirements: list[str]) -> None:
        asked.append(requirements)
        (folder / "bin" / "label-studio").touch()

    monkeypatch.setattr(installing, "run_pip", run_pip)
    monkeypatch.setattr(
        installing.venv, "create", lambda folder, **how: (folder / "bin").mkdir(parents=True, exist_ok=True)
    )
    return asked


def test_label_studio_is_installed_once_for_each_version(tmp_path: Path, asked_of_pip: list[list[str]]) -> None:
    folder = tmp_path / "kept" / "label-studio"
    assert install_label_studio(folder) == folder / "bin" / "label-studio"
    install_label_studio(folder)
    install_label_studio(folder, "label-studio==9")
    assert asked_of_pip == [[installing.REQUIREMENT], ["label-studio==9"]]


def test_a_full_disk_is_told_before_anything_is_installed(
    tmp_path: Path, asked_of_pip: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing.shutil, "disk_usage", lambda path: SimpleNamespace(free=700_000_000))
    with pytest.raises(LocalStudioError, match=r"0\.7 GB left and Label Studio needs 1\.8: make room"):
        install_label_studio(tmp_path / "label-studio")
    assert asked_of_pip == []


def test_a_failed_installation_is_begun_anew_next_time(
    tmp_path: Path, asked_of_pip: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path, requirements: list[str]) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    with monkeypatch.context() as patched:
        patched.setattr(installing, "run_pip", fail)
        with pytest.raises(LocalStudioError, match=r"pip failed, see above\. Mend that and start again"):
            install_label_studio(tmp_path / "label-studio")
    install_label_studio(tmp_path / "label-studio")
    assert asked_of_pip == [[installing.REQUIREMENT]]


def test_pip_is_run_in_the_new_environment(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    with pytest.raises(subprocess.CalledProcessError):
        installing.run_pip(tmp_path, ["--no-index", "no-such-package-anywhere"])


# --- the project


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[tuple[LocalStudio, Path]]:
    """A stand-in and the file of its state."""
    state = tmp_path / "state.json"
    server = serve(0, state, TOKEN)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield LocalStudio(f"http://127.0.0.1:{server.server_port}", TOKEN), state
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_project_is_made_with_pictures_and_backend(
    studio: tuple[LocalStudio, Path], pictures: list[Path], tmp_path: Path
) -> None:
    api, state = studio
    project = api.keep_project(tmp_path / "project", "<View/>", pictures, "http://127.0.0.1:9")
    made = json.loads(state.read_text())
    assert (project, api.first_task(project)) == (7, 31)
    assert (made["project"]["title"], made["project"]["label_config"], made["project"]["task_number"]) == (
        TITLE,
        "<View/>",
        2,
    )
    assert [(one["url"], one["is_interactive"]) for one in made["backends"]] == [("http://127.0.0.1:9", True)]


def test_a_second_start_finds_the_project_and_moves_the_backend(
    studio: tuple[LocalStudio, Path], pictures: list[Path], tmp_path: Path
) -> None:
    api, state = studio
    for backend in ("http://127.0.0.1:9", "http://127.0.0.1:9", "http://127.0.0.1:10"):
        api.keep_project(tmp_path / "project", "<View/>", pictures, backend)
    made = json.loads(state.read_text())
    assert (made["project"]["task_number"], made["backends"][0]["url"]) == (2, "http://127.0.0.1:10")


def test_an_interrupted_start_is_finished_by_the_next(
    studio: tuple[LocalStudio, Path], pictures: list[Path], tmp_path: Path
) -> None:
    api, _ = studio
    api.keep_project(tmp_path / "project", "<View/>", [], "http://127.0.0.1:9")
    assert api.first_task(7) is None
    api.keep_project(tmp_path / "project", "<View/>", pictures, "http://127.0.0.1:9")
    assert api.first_task(7) == 31


@pytest.mark.parametrize("remembered", ["8\n", "no number"])
def test_a_removed_project_is_made_anew(
    studio: tuple[LocalStudio, Path], pictures: list[Path], tmp_path: Path, remembered: str
) -> None:
    (tmp_path / "project").write_text(remembered)
    assert studio[0].keep_project(tmp_path / "project", "<View/>", pictures, "http://127.0.0.1:9") == 7
    assert (tmp_path / "project").read_text() == "7\n"


def test_a_refusal_of_label_studio_is_told(studio: tuple[LocalStudio, Path], tmp_path: Path) -> None:
    stranger = LocalStudio(studio[0].url, "another token")
    with pytest.raises(LocalStudioError, match=r"answered 401 to POST /api/projects, .*Invalid token"):
        stranger.keep_project(tmp_path / "project", "<View/>", [], "http://127.0.0.1:9")


def test_a_silent_label_studio_is_told(tmp_path: Path) -> None:
    nobody = LocalStudio(f"http://127.0.0.1:{free_port()}", TOKEN)
    with pytest.raises(LocalStudioError, match=r"didn't answer to POST /api/projects \(ConnectionError\)"):
        nobody.keep_project(tmp_path / "project", "<View/>", [], "http://127.0.0.1:9")


# --- servers


def test_a_taken_port_is_told_with_the_option() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalStudioError, match=rf"port {port}, meant for the backend, .* choose another by --port"):
            check_port(port, "the backend", "--port")
    check_port(port, "the backend", "--port")


def test_a_server_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import sys; sys.exit('no such table')"]
    server = Server.start("the server", words, os.environ, free_port(), tmp_path / "log")
    with pytest.raises(
        LocalStudioError, match=r"the server ended by itself \(1\): the end of .*log is\n  no such table"
    ):
        server.wait_until_healthy(30)
    server.stop()


def test_a_server_that_does_not_come_is_told(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
    server = Server.start("the server", words, os.environ, free_port(), tmp_path / "log")
    with pytest.raises(LocalStudioError, match=r"wasn't there within 0.5 s"):
        server.wait_until_healthy(0.5)
    server.stop()
    assert server.process.returncode == -signal.SIGTERM


def test_a_server_that_does_not_listen_to_reason_is_ended_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam_backend.cli.local_studio.server._STOP_S", 0.5)
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    server = Server.start("the server", [sys.executable, "-c", script], os.environ, free_port(), tmp_path / "log")
    while "deaf" not in server.log_path.read_text():
        time.sleep(0.05)
    server.stop()
    assert server.process.poll() == -signal.SIGKILL


# --- the command


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """``studio`` with the stand-in, in the folder of the project; what the process does on signals is put back."""
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    program = tmp_path / "label-studio"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("stand_in_studio.py")}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.chdir(ROOT)
    ports = ["--port", str(free_port()), "--backend-port", str(free_port())]
    yield ["studio", "--folder", str(tmp_path / "kept"), "--label-studio", str(program), *ports]
    for number, handler in usual.items():
        signal.signal(number, handler)


def test_both_start_and_end_on_ctrl_c(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = threading.Event()
    said: list[str] = []
    monkeypatch.setattr("sam_backend.cli.studio._say_ready", lambda words: (said.append(words), ready.set()))
    threading.Thread(target=lambda: (ready.wait(120), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
    assert main(command) == 0
    sign_in = json.loads((tmp_path / "kept" / "sign-in.json").read_text())
    assert sign_in["password"] in said[0]
    assert f"{command[command.index('--port') + 1]}/projects/7/data?task=31" in said[0]
    assert capsys.readouterr().out.endswith("Both are stopped.\n")
    for option in ("--port", "--backend-port"):
        check_port(int(command[command.index(option) + 1]), "the next start", option)


def test_a_label_studio_that_fails_ends_the_backend_too(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN_STUDIO", "broken")
    assert main(command) == 2
    assert "no such table: htx_user" in capsys.readouterr().err
    check_port(int(command[-1]), "the next start", "--backend-port")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (["--labeling-config", "nowhere.xml"], "nowhere.xml isn't there"),
        (["--label-studio", "no-such-command"], "no-such-command is no command here"),
        (["--port", "9", "--backend-port", "9"], "both can't have port 9"),
    ],
    ids=["config", "command", "ports"],
)
def test_a_wrong_option_is_told_before_anything_starts(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], change: list[str], told: str
) -> None:
    assert main([*command, *change]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()


def test_elsewhere_than_in_the_project_it_says_where_it_belongs(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2
    assert "has no _wsgi.py: start it in the folder of the project" in capsys.readouterr().err


def test_a_wrong_setting_of_the_backend_is_told_before_anything_starts(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAM_DEVICE", "abacus")
    assert main(command) == 2
    assert "SAM_DEVICE='abacus' is no device" in capsys.readouterr().err
