"""An empty book, and a project to learn from."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from taught_project import TOKEN, TaughtStudio, annotated_task, running

from sam_backend.model.checkpoint import checkpoint_version
from sam_backend.model.sam import Sam
from sam_backend.service.versions.book import VersionBook
from sam_backend.service.versions.training_lock import training_lock
from sam_backend.service.versions.version import Version
from sam_backend.settings import Settings
from sam_backend.training.project.tuning import packed_weights


@pytest.fixture
def settings(checkpoint: Path, tmp_path: Path, studio: TaughtStudio) -> Settings:
    return Settings(
        model=str(checkpoint),
        device="cpu",
        data_folder=tmp_path / "data",
        train_steps=3,
        label_studio_url=studio.url,
        label_studio_api_key=TOKEN,
    )


@pytest.fixture
def book(tmp_path: Path) -> VersionBook:
    return VersionBook(tmp_path / "data" / "versions")


@pytest.fixture
def studio() -> Iterator[TaughtStudio]:
    with running(TaughtStudio(tasks=[annotated_task(task_id) for task_id in range(1, 5)])) as studio:
        yield studio


@pytest.fixture
def add_version(book: VersionBook, checkpoint: Path, tiny_network: Sam) -> Callable[..., Version]:
    """Put a whole version in the book: the tiny network with another bias in its decoder."""

    def add(shift: float = 0.01, project: int = 5, base: str | None = None) -> Version:
        with training_lock(book.lock_file):
            version = book.begin(project)
        weights = packed_weights(tiny_network)
        weights["mask_decoder.iou_token.weight"] = weights["mask_decoder.iou_token.weight"] + shift
        torch.save(weights, book.weights(version.name))
        own = checkpoint_version(str(checkpoint))
        fields = {"model_version": checkpoint_version(str(book.weights(version.name))), "base": base or own}
        return book.end(Version(**{**_fields(version), **fields, "parent": own}), "ready")

    return add


def _fields(version: Version) -> dict[str, object]:
    return {name: getattr(version, name) for name in Version.__dataclass_fields__}
