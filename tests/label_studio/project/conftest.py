"""A project on a server on loopback, and what reads it."""

from collections.abc import Iterator

import pytest
from fake_project import PROJECT, ProjectStudio
from fake_studio import LEGACY, running

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
