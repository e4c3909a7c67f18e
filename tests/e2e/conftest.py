"""The servers, the browser and the project that the browser test works with."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from backend import RecordingProxy, start_backend
from desk import Desk
from editor import Editor, launch_browser, log_in
from nuclei import NucleiScene, make_nuclei_scene
from playwright.sync_api import Browser, StorageState, sync_playwright
from project import Project
from server_process import ServerProcess, free_port
from studio import EMAIL, LEGACY_TOKEN, PASSWORD, StudioApi, start_studio

ROOT = Path(__file__).parents[2]
LABELING_CONFIG = (ROOT / "docs" / "labeling-config.xml").read_text()
SERVERS = pytest.StashKey[list[ServerProcess]]()


def pytest_configure() -> None:
    """Let a terminated run stop its servers as an interrupted one does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def artifacts() -> Path:
    folder = Path(os.environ.get("E2E_ARTIFACTS", ROOT / ".e2e" / "artifacts"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def scene() -> NucleiScene:
    return make_nuclei_scene()


@pytest.fixture(scope="session")
def local_files_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("local-files")


@pytest.fixture(scope="session")
def studio_server(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, local_files_root: Path, artifacts: Path
) -> Iterator[str]:
    port, data_dir = free_port(), tmp_path_factory.mktemp("label-studio")
    server = start_studio(port, data_dir, local_files_root, artifacts / "label-studio.log")
    yield from _running(pytestconfig, server, f"http://127.0.0.1:{port}")


@pytest.fixture(scope="session")
def backend_server(
    pytestconfig: pytest.Config, studio_server: str, artifacts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    port, data_folder = free_port(), tmp_path_factory.mktemp("learned")
    server = start_backend(port, studio_server, LEGACY_TOKEN, artifacts / "backend.log", data_folder=data_folder)
    yield from _running(pytestconfig, server, f"http://127.0.0.1:{port}")


@pytest.fixture
def proxy(backend_server: str) -> Iterator[RecordingProxy]:
    recording = RecordingProxy(backend_server)
    yield recording
    recording.close()


@pytest.fixture(scope="session")
def personal_backend_server(
    pytestconfig: pytest.Config,
    studio_server: str,
    local_files_root: Path,
    artifacts: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The backend with a personal access token, and with Label Studio's local files mounted."""
    port, token = free_port(), StudioApi(studio_server).make_personal_token()
    log_path, data_folder = artifacts / "personal-backend.log", tmp_path_factory.mktemp("learned")
    server = start_backend(port, studio_server, token, log_path, local_files_root, data_folder=data_folder)
    yield from _running(pytestconfig, server, f"http://127.0.0.1:{port}")


@pytest.fixture
def personal_proxy(personal_backend_server: str) -> Iterator[RecordingProxy]:
    recording = RecordingProxy(personal_backend_server)
    yield recording
    recording.close()


@pytest.fixture
def api(studio_server: str) -> StudioApi:
    return StudioApi(studio_server)


@pytest.fixture
def nuclei_png(scene: NucleiScene, tmp_path: Path) -> Path:
    return scene.save(tmp_path / "nuclei.png")


@pytest.fixture
def uploaded(api: StudioApi, proxy: RecordingProxy, nuclei_png: Path) -> Project:
    return Project.of_upload(api, proxy, LABELING_CONFIG, nuclei_png)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = launch_browser(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def signed_in(browser: Browser, studio_server: str) -> StorageState:
    return log_in(browser, studio_server, EMAIL, PASSWORD)


@pytest.fixture
def editor(
    browser: Browser, studio_server: str, signed_in: StorageState, artifacts: Path, request: pytest.FixtureRequest
) -> Iterator[Editor]:
    page = Editor.open(browser, studio_server, signed_in)
    n_failed = request.session.testsfailed
    yield page
    if request.session.testsfailed > n_failed:
        page.save_screenshot(artifacts / f"failed-{request.node.name}.png")
    page.close()


@pytest.fixture
def sit_down(editor: Editor, artifacts: Path, request: pytest.FixtureRequest) -> Callable[..., Desk]:
    """Open a project's task in the editor."""
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")

    def sit_down(project: Project, *, auto_accept: bool = False, **how: Any) -> Desk:  # noqa: ANN401 - of a Desk
        desk = Desk(editor, project, artifacts, name, **how)
        desk.open_task(auto_accept=auto_accept)
        return desk

    return sit_down


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Print the tails of both servers' logs below a failure."""
    report = yield
    if report.failed:
        for server in item.config.stash.get(SERVERS, []):
            report.sections.append((f"{server.name}: end of {server.log_path}", server.log_tail()))
    return report


def _running(config: pytest.Config, server: ServerProcess, url: str) -> Iterator[str]:
    config.stash.setdefault(SERVERS, []).append(server)
    yield url
    server.stop()
