"""A project on a server on loopback, what reads it, and the command line in its environment."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_project import PROJECT, ProjectStudio
from fake_studio import LEGACY, running
from PIL import Image

from sam_backend.__main__ import main
from sam_backend.label_studio.addresses import AllowedHosts
from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.label_studio.project.studio_line import StudioLine
from sam_backend.label_studio.project.studio_project import StudioProject
from sam_backend.label_studio.tokens import TokenExchange


@pytest.fixture
def fake() -> Iterator[ProjectStudio]:
    with running(ProjectStudio()) as studio:
        yield studio


@pytest.fixture
def slept_s() -> list[float]:
    return []


@pytest.fixture
def project(fake: ProjectStudio, slept_s: list[float]) -> StudioProject:
    host = LabelStudioHost(fake.url, LEGACY, is_configured=True)
    line = StudioLine(host, TokenExchange(AllowedHosts()), timeout_s=10, sleep=slept_s.append)
    return StudioProject(line, PROJECT)


@pytest.fixture
def picture() -> Callable[[int], bytes]:
    """A PNG of (60, 80) pixels for each number."""

    def make(number: int, image_hw: tuple[int, int] = (60, 80)) -> bytes:
        file = io.BytesIO()
        pixels = np.random.default_rng(number).integers(0, 256, (*image_hw, 3), np.uint8)
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()

    return make


@pytest.fixture
def environment(
    fake: ProjectStudio, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """What the commands find in it: the tiny model, the fake, and a folder as cache."""
    settings = {
        "LABEL_STUDIO_URL": fake.url,
        "LABEL_STUDIO_API_KEY": LEGACY,
        "SAM_MODEL": str(tiny_checkpoint),
        "SAM_DEVICE": "cpu",
        "SAM_CACHE_URL": f"file://{tmp_path}/cache",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return settings


@pytest.fixture
def command(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command on the fake's project: exit code, stdout and stderr."""

    def run(name: str, *words: str) -> tuple[int, str, str]:
        code = main([name, "--project", str(PROJECT), *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
