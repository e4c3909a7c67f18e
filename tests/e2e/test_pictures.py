"""Pictures that a backend could get wrong: turned by a tag, on a disk, behind a token."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from backend import RecordingProxy
from conftest import LABELING_CONFIG
from desk import Desk, only_region
from nuclei import NucleiScene
from PIL import Image
from project import Project
from region_masks import iou, mask_of
from studio import StudioApi

pytestmark = pytest.mark.e2e

CLICKED, ELSEWHERE = 2, 6
RIGHT_IOU = 0.7
ORIENTATION, TURN_RIGHT_TO_SHOW = 0x0112, 6
"""The EXIF tag, and the value of a phone that was held upright."""


def _save_turned(scene: NucleiScene, path: Path) -> Path:
    """Write the scene lying on its side, with a tag that puts it upright."""
    exif = Image.Exif()
    exif[ORIENTATION] = TURN_RIGHT_TO_SHOW
    lying = Image.fromarray(scene.picture_rgb).transpose(Image.Transpose.ROTATE_90)
    lying.save(path, quality=95, subsampling=0, exif=exif)
    return path


def test_photograph_turned_by_its_exif_tag_gets_its_mask_upright(
    sit_down: Callable[..., Desk], api: StudioApi, proxy: RecordingProxy, scene: NucleiScene, tmp_path: Path
) -> None:
    turned = _save_turned(scene, tmp_path / "turned.jpg")
    desk = sit_down(Project.of_upload(api, proxy, LABELING_CONFIG, turned))
    answered = only_region(desk.click(*scene.center_xy(CLICKED)))
    desk.wait_until_drawn(scene.mask(CLICKED) & mask_of(answered))
    desk.look("suggestion")
    desk.editor.accept()
    (stored,) = desk.submit()
    assert (stored["original_height"], stored["original_width"]) == scene.labels.shape
    assert iou(mask_of(stored), scene.mask(CLICKED)) >= RIGHT_IOU


@pytest.mark.parametrize("is_mounted", [False, True], ids=["over http", "mounted"])
def test_picture_from_local_files_is_answered(
    sit_down: Callable[..., Desk],
    api: StudioApi,
    request: pytest.FixtureRequest,
    scene: NucleiScene,
    local_files_root: Path,
    artifacts: Path,
    is_mounted: bool,
) -> None:
    folder = local_files_root / f"slide {is_mounted:d}"
    folder.mkdir()
    scene.save(folder / "nuclei 1.png")
    proxy: RecordingProxy = request.getfixturevalue("personal_proxy" if is_mounted else "proxy")
    project = Project.of_folder(api, proxy, LABELING_CONFIG, folder)
    address = urlsplit(api.task(project.task)["data"]["image"])
    assert address.path == "/data/local-files/"

    project.click_without_browser(scene, ELSEWHERE)  # so that nobody but the backend can have asked for the picture
    asked = [line for line in _lines(artifacts) if f'"GET {address.path}?{address.query} HTTP/1.1" 200' in line]
    assert bool(asked) == (not is_mounted)

    desk = sit_down(project)
    desk.click(*scene.center_xy(CLICKED))
    desk.look("suggestion")
    desk.editor.accept()
    (stored,) = desk.submit()
    assert iou(mask_of(stored), scene.mask(CLICKED)) >= RIGHT_IOU


def test_personal_access_token_opens_the_picture(
    sit_down: Callable[..., Desk],
    api: StudioApi,
    personal_proxy: RecordingProxy,
    scene: NucleiScene,
    nuclei_png: Path,
    artifacts: Path,
) -> None:
    desk = sit_down(Project.of_upload(api, personal_proxy, LABELING_CONFIG, nuclei_png))
    desk.click(*scene.center_xy(CLICKED))
    desk.look("suggestion")
    desk.editor.accept()
    (stored,) = desk.submit()
    assert iou(mask_of(stored), scene.mask(CLICKED)) >= RIGHT_IOU
    assert any('"POST /api/token/refresh/ HTTP/1.1" 200' in line for line in _lines(artifacts))


def _lines(artifacts: Path) -> list[str]:
    return (artifacts / "label-studio.log").read_text(errors="replace").splitlines()
