"""What goes wrong is said where the person is looking: in the editor's text field, and on the backend's own page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from backend import RecordingProxy
from conftest import LABELING_CONFIG
from desk import Desk
from editor import PATIENCE_MS
from nuclei import NucleiScene
from picture_host import serve_pictures
from playwright.sync_api import expect
from project import Project
from studio import StudioApi

pytestmark = pytest.mark.e2e

CONFIG = LABELING_CONFIG.replace("<View>", '<View>\n  <TextArea name="sam" toName="image"/>', 1)
"""The command bar stands above the picture, as documented: below it, it is out of sight on most screens."""

CLICKED = 6
"""In the upper part of the picture, which the torn file still has."""


def _torn(scene: NucleiScene, path: Path) -> Path:
    """Write the picture but for its last part, as an upload that broke off leaves it: browsers show what there is."""
    scene.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: 3 * len(data) // 4])
    return path


@pytest.fixture(params=["torn file", "private host"])
def troubled(
    request: pytest.FixtureRequest, api: StudioApi, proxy: RecordingProxy, scene: NucleiScene, tmp_path: Path
) -> Iterator[tuple[Project, str]]:
    """A project whose picture the browser shows and the backend can't use, and what is to be said of it."""
    if request.param == "torn file":
        yield Project.of_upload(api, proxy, CONFIG, _torn(scene, tmp_path / "torn.png")), "torn.png"
        return
    scene.save(tmp_path / "nuclei.png")
    with serve_pictures(tmp_path) as url:
        yield Project.of_task(api, proxy, CONFIG, f"{url}/nuclei.png"), "SAM_ALLOWED_HOSTS"


def test_reason_is_shown_in_the_text_field_and_on_the_status_page(
    sit_down: Callable[..., Desk],
    troubled: tuple[Project, str],
    scene: NucleiScene,
    backend_server: str,
    artifacts: Path,
) -> None:
    project, wanted = troubled
    desk = sit_down(project)
    sentence = desk.click_in_vain(*scene.center_xy(CLICKED))
    assert wanted in sentence
    desk.editor.page.get_by_text(sentence).scroll_into_view_if_needed()
    desk.look("sentence")

    last = requests.get(backend_server, headers={"Accept": "application/json"}, timeout=60).json()["last_errors"][0]
    assert (last["path"], last["message"]) == ("/predict", sentence)
    page = desk.editor.page.context.new_page()
    page.goto(backend_server)
    expect(page.get_by_text(sentence).first).to_be_in_viewport(timeout=PATIENCE_MS)
    page.screenshot(path=artifacts / f"{desk.name}-status-page.png")
