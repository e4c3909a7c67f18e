"""What one test works in: a project of its own."""

from __future__ import annotations

from dataclasses import dataclass

from backend import RecordingProxy
from studio import StudioApi


@dataclass(frozen=True, slots=True)
class Project:
    """A fresh project of one task with the backend connected to it."""

    api: StudioApi
    proxy: RecordingProxy
    """What passes between Label Studio and the backend in this project alone."""

    project: int
    """Its id, as the ids below."""

    task: int
    backend: int
