"""`label-studio-ml init` and `start`, as documented, and a real Label Studio that asks what they serve."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from backend import RecordingProxy
from nuclei import NucleiScene
from project import Project
from region_masks import iou, is_mask, mask_of
from server_process import ServerProcess, free_port
from studio import DEFAULT_BINARY, LEGACY_TOKEN, StudioApi, start_studio

ROOT = Path(__file__).parents[2]
MODEL_FILE = ROOT / "sam_backend" / "label_studio" / "ml_backend.py"
START_S = 300.0


@pytest.fixture(scope="module")
def studio_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not DEFAULT_BINARY.exists():
        pytest.skip("no Label Studio here: `make e2e` installs one")
    port, folder = free_port(), tmp_path_factory.mktemp("label-studio")
    server = start_studio(port, folder, folder, folder / "label-studio.log")
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture(scope="module")
def host_url(studio_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("host")
    bin_folder = Path(sys.executable).parent
    environ = os.environ | {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",  # `label-studio-ml start` runs `python`
        "PYTHONPATH": str(ROOT),
        "LABEL_STUDIO_URL": studio_url,
        "LABEL_STUDIO_API_KEY": LEGACY_TOKEN,
    }
    program = str(bin_folder / "label-studio-ml")
    made = [program, "init", "sam", "--script", f"{MODEL_FILE}:SegmentAnything", "--root-dir", str(folder)]
    subprocess.run(made, env=environ, check=True)
    port = free_port()
    command = [program, "start", "sam", "--root-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    server = ServerProcess.start("label-studio-ml", command, environ, folder / "host.log", f"{url}/health", START_S)
    yield url
    server.stop()


@pytest.fixture
def project(studio_url: str, host_url: str, scene: NucleiScene, tmp_path: Path) -> Iterator[Project]:
    proxy = RecordingProxy(host_url)
    config = (ROOT / "docs" / "labeling-config.xml").read_text()
    yield Project.of_upload(StudioApi(studio_url), proxy, config, scene.save(tmp_path / "nuclei.png"))
    proxy.close()


def test_a_click_on_a_nucleus_comes_back_through_label_studio_as_its_mask(
    project: Project, scene: NucleiScene, version: str
) -> None:
    answer = project.click_without_browser(scene, 0)
    [region] = [region for region in answer["data"]["result"] if is_mask(region)]
    assert iou(mask_of(region), scene.mask(0)) > 0.7
    assert answer["data"]["model_version"] == version
    setups = [one for one in project.proxy.exchanges if one.path == "/setup"]
    assert {one.answer["model_version"] for one in setups} == {version}
