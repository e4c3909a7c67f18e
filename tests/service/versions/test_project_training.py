import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from taught_project import BOXES_XYXY, PROJECT, TaughtStudio, annotated_task

from sam_backend.errors import DatasetError, ImageSourceError, SamBackendError
from sam_backend.model.checkpoint import checkpoint_version, load_network
from sam_backend.model.sam import Sam
from sam_backend.service.versions import project_training
from sam_backend.service.versions.book import VersionBook
from sam_backend.service.versions.project_training import Plan, ProjectTraining
from sam_backend.service.versions.studio_source import StudioSource, open_studio_project
from sam_backend.service.versions.training_lock import training_lock
from sam_backend.service.versions.version import Version
from sam_backend.settings import Settings
from sam_backend.training.project.tasks import split_tasks

Run = Callable[..., Version]
GENTLE = dataclasses.replace(project_training.PROJECT_TUNING, learning_rate=1e-9)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def run(settings: Settings, book: VersionBook, said: list[str]) -> Run:
    """Train on the project, or on another source."""

    def run(source: StudioSource | None = None, **changes: object) -> Version:
        plan = Plan(project=PROJECT, model=settings.model, device="cpu", n_steps=2)
        plan = dataclasses.replace(plan, **changes)  # type: ignore[arg-type]
        with training_lock(book.lock_file):
            training = ProjectTraining(book, book.begin(PROJECT), plan, said.append)
            return training.run(source or open_studio_project(settings, PROJECT))

    return run


def test_a_version_that_is_no_worse_comes_in_force(
    run: Run, book: VersionBook, settings: Settings, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_training, "PROJECT_TUNING", GENTLE)
    version = run()
    assert (version.state, version.reason, version.name) == ("ready", None, book.in_force())
    assert version == book.read(version.name)
    assert version.old is not None
    assert version.new is not None
    assert version.new.mean >= version.old.mean
    own = checkpoint_version(settings.model)
    assert (version.base, version.parent) == (own, own)
    n_held_out = len(split_tasks(range(1, 5), 0.2).held_out)
    n_objects = len(BOXES_XYXY)
    counts = version.counts
    assert (counts.held_out_tasks, counts.tasks) == (n_held_out, 4 - n_held_out)
    assert (counts.held_out_objects, counts.objects) == (n_objects * n_held_out, n_objects * (4 - n_held_out))
    assert json.loads((book.folder_of(version.name) / "settings.json").read_text())["n_steps"] == 2
    assert [line for line in said if line.startswith("step ")][-1].startswith("step 2 of 2: loss ")


def test_only_the_decoder_moves(run: Run, book: VersionBook, settings: Settings) -> None:
    version = run()
    before = load_network(settings.model).state_dict()
    after = load_network(str(book.weights(version.name))).state_dict()
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"prompt_encoder", "mask_decoder"}


def test_a_worse_version_is_kept_and_not_used(run: Run, book: VersionBook, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(network: Sam, *how: object) -> Sam:
        """A training gone wrong: every mask comes out empty."""
        with torch.no_grad():
            for weight in network.mask_decoder.parameters():
                weight.zero_()
        return network

    monkeypatch.setattr(project_training, "tune_decoder", spoil)
    version = run()
    assert version.state == "refused"
    assert "worse on the held-out objects: mean IoU" in str(version.reason)
    assert book.in_force() is None
    assert book.weights(version.name).is_file()
    book.use(version.name)  # somebody may want it all the same


def test_the_next_training_goes_on_from_the_version_in_force(
    run: Run, book: VersionBook, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_training, "PROJECT_TUNING", GENTLE)
    first, second = run(), run()
    assert second.parent == first.model_version
    assert second.base == checkpoint_version(settings.model)
    assert book.in_force() == second.name
    features = list(book.features.iterdir())
    assert [folder.name for folder in features] == [second.base]
    assert len(list(features[0].glob("*.pt"))) == 4  # no picture was encoded twice


def test_without_promotion_nothing_comes_in_force(run: Run, book: VersionBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_training, "PROJECT_TUNING", GENTLE)
    version = run(promotes=False)
    assert version.state == "ready"
    assert "--no-promote" in str(version.reason)
    assert book.in_force() is None


def test_a_switch_by_hand_meanwhile_stands(
    run: Run, book: VersionBook, settings: Settings, add_version: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_training, "PROJECT_TUNING", GENTLE)
    by_hand = add_version()
    source = open_studio_project(settings, PROJECT)
    fetch = StudioSource.fetch

    def fetch_and_switch(self: StudioSource, uri: str, task: int) -> bytes:
        book.use(by_hand.name)
        return fetch(self, uri, task)

    monkeypatch.setattr(StudioSource, "fetch", fetch_and_switch)
    version = run(source)
    assert version.state == "ready"
    assert "meanwhile somebody put another version in force" in str(version.reason)
    assert book.in_force() == by_hand.name


@pytest.mark.parametrize(
    ("n_tasks", "message"),
    [(0, "0 annotated tasks: at least 2 are needed"), (1, "1 annotated task: at least 2 are needed")],
)
def test_too_few_tasks_are_counted(n_tasks: int, message: str, run: Run, studio: TaughtStudio) -> None:
    del studio.tasks[n_tasks:]
    with pytest.raises(DatasetError, match=message):
        run()


def test_too_few_objects_are_counted(run: Run, studio: TaughtStudio) -> None:
    for task in studio.tasks:
        del task["annotations"][0]["result"][1:]
    studio.tasks[0]["data"]["image"] = "data:image/png;base64,AAAA"
    with pytest.raises(DatasetError, match=r"objects to learn from and \d held out .*\(1 left out, task 1: "):
        run()


def test_tasks_annotated_meanwhile_wait_for_the_next_training(
    run: Run, studio: TaughtStudio, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_studio_project(settings, PROJECT)
    pictures = StudioSource.pictures

    def pictures_then_more(self: StudioSource, skipped: object) -> object:
        found = list(pictures(self, skipped))  # type: ignore[arg-type]
        studio.tasks.append(annotated_task(len(studio.tasks) + 1))
        return found

    monkeypatch.setattr(StudioSource, "pictures", pictures_then_more)
    counts = run(source).counts
    assert counts.tasks + counts.held_out_tasks == 4


def test_annotations_may_come_from_an_export(
    run: Run, studio: TaughtStudio, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "export.json"
    file.write_text(json.dumps(studio.tasks))
    studio.tasks.clear()
    assert run(open_studio_project(settings, PROJECT, file)).counts.objects > 0
    for text, message in (
        ("{}", "isn't Label Studio's export"),
        ('[{"data": {}, "annotations": []}, 3]', "export it again"),
    ):
        file.write_text(text)
        with pytest.raises(DatasetError, match=message):
            open_studio_project(settings, PROJECT, file)


def test_a_project_that_cannot_be_read_is_an_error(run: Run, settings: Settings) -> None:
    with pytest.raises(SamBackendError, match="project 6"):
        run(open_studio_project(settings, 6))


def test_a_picture_that_cannot_be_fetched_is_left_out(run: Run, studio: TaughtStudio) -> None:
    studio.tasks.append(annotated_task(9))
    studio.tasks[-1]["data"]["image"] = "/data/upload/5/gone.png"
    counts = run().counts
    assert counts.tasks + counts.held_out_tasks == 4


def test_giving_up_leaves_the_reason_and_no_weights(book: VersionBook, settings: Settings) -> None:
    with training_lock(book.lock_file):
        version = book.begin(PROJECT)
        book.weights(version.name).write_bytes(b"half")
        training = ProjectTraining(book, version, Plan(project=PROJECT, model=settings.model))
        ended = training.gave_up("stopped", "somebody stopped it")
    assert book.read(version.name) == ended
    assert (ended.state, ended.reason) == ("stopped", "somebody stopped it")
    assert not book.weights(version.name).exists()


def test_a_project_is_fetched_as_the_service_does(settings: Settings) -> None:
    with pytest.raises(ImageSourceError, match=r"404|gone"):
        open_studio_project(settings, PROJECT).fetch("/data/upload/5/gone.png", 3)
