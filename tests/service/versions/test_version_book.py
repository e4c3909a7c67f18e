import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from sam_backend.errors import RequestError, StorageError
from sam_backend.service.versions.book import VersionBook
from sam_backend.service.versions.training_lock import TrainingUnderWayError, is_locked, training_lock
from sam_backend.service.versions.version import Counts, Progress, Version
from sam_backend.training.project.judging import Figures

Add = Callable[..., Version]


def test_an_empty_book_makes_nothing(book: VersionBook) -> None:
    assert book.all() == []
    assert book.in_force() is None
    assert book.stamp() is None
    assert book.under_way() is None
    book.use(None)
    assert not book.folder.exists()


def test_a_record_reads_as_it_was_written() -> None:
    version = Version(
        name="project-5-v1",
        project=5,
        state="refused",
        begun_at="2026-01-01T00:00:00+00:00",
        reason="worse",
        counts=Counts(3, 9, 1, 3),
        old=Figures(0.5, 0.25, 0.75),
        new=Figures(0.4, 0.2, 0.6),
        progress=Progress("learning", 3, 10, 4.5),
    )
    assert Version.from_json(version.to_json()) == version
    assert version.old is not None
    assert version.old.mean == 0.5
    assert str(version.old) == "0.500 (box 0.500, 1 click 0.250, 3 clicks 0.750)"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"name": "a", "state": "asleep"}', '{"name": "a", "state": "ready", "colour": 1}']
)
def test_a_damaged_record_is_told_apart(text: str) -> None:
    with pytest.raises(StorageError, match="damaged"):
        Version.from_json(text)


def test_versions_are_numbered_by_project(book: VersionBook, add_version: Add) -> None:
    names = [add_version(project=project).name for project in (5, 5, 8)]
    assert names == ["project-5-v1", "project-5-v2", "project-8-v1"]
    assert {version.name for version in book.all()} == set(names)


def test_trainings_that_came_to_nothing_make_room(book: VersionBook, add_version: Add) -> None:
    kept = add_version()
    with training_lock(book.lock_file):
        book.end(book.begin(5), "failed", "no objects")
    with training_lock(book.lock_file):
        killed = book.begin(5)
    assert book.read(killed.name).state == "stopped"
    assert "killed" in str(book.read(killed.name).reason)
    with training_lock(book.lock_file):
        newest = book.begin(5)
        assert book.read(newest.name).state == "training"
        assert book.under_way() == newest.name
    assert {version.name for version in book.all()} == {kept.name, newest.name}


def test_the_pointer_is_set_and_set_back(book: VersionBook, add_version: Add) -> None:
    first, second = add_version(0.01), add_version(0.02)
    stamps = [book.stamp()]
    for name in (first.name, second.name, first.name):
        book.use(name)
        assert book.in_force() == name
        stamps.append(book.stamp())
    book.use(None)
    assert book.in_force() is None
    assert all(one != other for one, other in pairwise(stamps))
    assert not [path for path in book.folder.iterdir() if path.name.startswith(".")]


def test_a_version_is_found_by_what_label_studio_calls_it(book: VersionBook, add_version: Add) -> None:
    version = add_version()
    assert book.find(str(version.model_version)) == book.find(version.name) == version
    with pytest.raises(StorageError, match="there is no version nothing"):
        book.find("nothing")


def test_a_version_without_weights_is_not_used(book: VersionBook) -> None:
    with training_lock(book.lock_file):
        failed = book.end(book.begin(5), "failed", "no objects")
    with pytest.raises(RequestError, match="has no weights"):
        book.use(failed.name)


def test_a_version_in_force_or_in_training_is_not_dropped(book: VersionBook, add_version: Add) -> None:
    version = add_version()
    book.use(version.name)
    with pytest.raises(RequestError, match="is in force"):
        book.drop(version.name)
    with training_lock(book.lock_file), pytest.raises(RequestError, match="is being trained"):
        book.drop(book.begin(5).name)
    book.use(None)
    book.drop(version.name)
    assert not book.folder_of(version.name).exists()
    for name in ("project-5-v9", "features", "../versions"):
        with pytest.raises(StorageError, match="there is no version"):
            book.drop(name)


def test_a_damaged_version_is_passed_over_and_can_be_dropped(book: VersionBook, add_version: Add) -> None:
    version = add_version()
    (book.folder_of(version.name) / "version.json").write_text("{")
    assert book.all() == []
    with pytest.raises(StorageError, match=f"{version.name}: the record of a version is damaged"):
        book.read(version.name)
    book.drop(version.name)
    assert not book.folder_of(version.name).exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(StorageError, match="SAM_DATA_FOLDER"), training_lock(tmp_path / "closed" / "a" / "lock"):
        pass


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "versions").write_text("")
    book = VersionBook(tmp_path / "versions")
    with pytest.raises(StorageError, match="SAM_DATA_FOLDER"), training_lock(book.lock_file):
        pass
    with pytest.raises(StorageError, match="SAM_DATA_FOLDER"):
        book.begin(5)
    with pytest.raises(StorageError, match="can't be written"):
        book.write(Version(name="project-5-v1", project=5, state="ready", begun_at=""))


def test_one_training_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    assert not is_locked(file)
    with training_lock(file):
        assert is_locked(file)
        with pytest.raises(TrainingUnderWayError, match="another training is under way"), training_lock(file):
            pass
        assert is_locked(file)
    assert not is_locked(file)
