"""How the service stands, in sections of names and values: the content of the status page."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TypeAlias

import torch

from sam_backend.label_studio.picture_cache import PictureCache
from sam_backend.service.model_loader import ModelLoader
from sam_backend.settings import Settings

Facts: TypeAlias = "Mapping[str, str | int | float | None]"

_PACKAGES = ("sam-backend", "torch", "numpy", "pillow", "flask")


@dataclass(frozen=True, slots=True)
class Section:
    """A headed list of facts, read anew whenever somebody looks."""

    title: str

    read: Callable[[], Facts]
    """Answers at once: a page that waits for the model is of no use while it is busy."""


def model_section(model: ModelLoader) -> Section:
    """Which model answers, and where it runs."""

    def read() -> Facts:
        status = model.status()
        return {"state": status.state, "name": status.name, "version": status.version, "device": status.device}

    return Section("Model", read)


def cache_section(
    pictures: PictureCache, embeddings_held_bytes: Callable[[], int], embeddings_capacity_bytes: int
) -> Section:
    """How full the memory for pictures and embeddings is."""
    return Section(
        "Cache",
        lambda: {
            "embeddings": _of(embeddings_held_bytes(), embeddings_capacity_bytes),
            "pictures": _of(pictures.held_bytes, pictures.capacity_bytes),
            "pictures kept": len(pictures),
        },
    )


def queue_section(n_wanted: Callable[[], int], n_ahead: Callable[[], int]) -> Section:
    """What is going to be encoded: since somebody waits for it, and before anybody clicks."""
    return Section("Queue", lambda: {"pictures people wait for": n_wanted(), "pictures waiting": n_ahead()})


def connection_section(settings: Settings) -> Section:
    """What is known of Label Studio; of the token only whether there is one."""
    root = settings.local_files_root
    facts: Facts = {
        "Label Studio": settings.label_studio_url or "not set: LABEL_STUDIO_URL",
        "token": "set" if settings.label_studio_api_key else "not set: LABEL_STUDIO_API_KEY",
        "local files": "through Label Studio" if root is None else f"mounted at {root}",
        "other hosts": ", ".join(settings.allowed_hosts) or "public addresses only",
    }
    return Section("Connection", lambda: facts)


def version_section() -> Section:
    """What is installed, and since when it runs."""
    started_s = time.monotonic()
    versions = {"Python": platform.python_version(), **_versions()}
    return Section(
        "Versions",
        lambda: {**versions, "threads": torch.get_num_threads(), "up for": _duration(time.monotonic() - started_s)},
    )


def read_all(sections: Sequence[Section]) -> dict[str, dict[str, str | int | float | None]]:
    """Every section's facts under its title."""
    return {section.title: dict(section.read()) for section in sections}


def _of(held_bytes: int, capacity_bytes: int) -> str:
    return f"{held_bytes / 1e6:.0f} of {capacity_bytes / 1e6:.0f} MB"


def _duration(seconds: float) -> str:
    minutes, hours = int(seconds) // 60 % 60, int(seconds) // 3600
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {int(seconds) % 60} s"


def _versions() -> dict[str, str]:
    """Of what is installed as a package; a service that runs from its folder isn't."""
    versions = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
