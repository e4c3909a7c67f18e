"""The versions on disk, and the pointer to the one in force.

    versions/
      in-force                 the name of a version; no file: the settings' model answers
      project-5-v3/            version.json, settings.json, training.log, project-5-v3.pth
      features/                of pictures that were learnt from, by image encoder
      training.lock

Every file is replaced as a whole, so that whoever reads it sees the old or the new.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeAlias

from sam_backend.errors import RequestError, StorageError
from sam_backend.service.versions.training_lock import is_locked
from sam_backend.service.versions.version import State, Version

_RECORD = "version.json"
_POINTER = "in-force"
_NAME = re.compile(r"project-(\d+)-v(\d+)")
_DIED = "it ended without a word: killed, or out of memory; its log may tell more"

Stamp: TypeAlias = "tuple[int, int, int] | None"
"""What tells one state of the pointer from the next; None without a pointer."""


class VersionBook:
    """All versions of one service; several processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        """Remember where it lies; nothing is made before something is written."""
        self.folder = folder

    @property
    def lock_file(self) -> Path:
        """For `training_lock`."""
        return self.folder / "training.lock"

    @property
    def features(self) -> Path:
        """Where features of pictures are kept between trainings; may be deleted at any time but during one."""
        return self.folder / "features"

    def folder_of(self, name: str) -> Path:
        """Of all that belongs to a version."""
        return self.folder / name

    def weights(self, name: str) -> Path:
        """The weights of a version, as `load_sam` reads them."""
        return self.folder_of(name) / f"{name}.pth"

    def log(self, name: str) -> Path:
        """What its training said."""
        return self.folder_of(name) / "training.log"

    def begin(self, project: int) -> Version:
        """Make the folder of a project's next version. Those of its trainings that came to nothing make room.

        Whoever calls holds the `training_lock`, so no other training is under way.

        Raises:
            StorageError: it can't be made.
        """
        for old in self.all():
            if old.project == project and not old.has_weights:
                self._remove(old.name)
        number = 1 + max((number for its, number in self._numbers() if its == project), default=0)
        while True:
            name = f"project-{project}-v{number}"
            try:
                self.folder_of(name).mkdir(parents=True)
            except FileExistsError:
                number += 1
                continue
            except OSError as error:
                raise StorageError(
                    f"no version can be kept in {self.folder} ({error.strerror}): set SAM_DATA_FOLDER to a folder that "
                    "can be written"
                ) from None
            version = Version(name=name, project=project, state="training", begun_at=_now())
            self.write(version)
            self.lock_file.write_text(name, encoding="utf-8")
            return version

    def write(self, version: Version) -> None:
        """Put down what is known of a version.

        Raises:
            StorageError: the disk is full or can't be written.
        """
        _replace(self.folder_of(version.name) / _RECORD, version.to_json())

    def end(self, version: Version, state: State, reason: str | None = None) -> Version:
        """Put down what came of a training."""
        ended = dataclasses.replace(version, state=state, reason=reason, ended_at=_now(), progress=None)
        self.write(ended)
        return ended

    def read(self, name: str) -> Version:
        """What is known of a version. A training that nobody works on any more has stopped.

        Raises:
            StorageError: there is none, or its record is damaged.
        """
        is_under_way = self.under_way() == name  # first: what was written last is there once the lock is let go
        try:
            version = Version.from_json((self.folder_of(name) / _RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            if isinstance(error, StorageError):
                raise StorageError(f"{name}: {error}") from None
            raise StorageError(f"there is no version {name} in {self.folder}: choose one that is listed") from None
        if version.state == "training" and not is_under_way:
            return dataclasses.replace(version, state="stopped", reason=_DIED, progress=None)
        return version

    def all(self) -> list[Version]:
        """Every version whose record can be read, the newest first."""
        versions = []
        for project, number in self._numbers():
            with suppress(StorageError):
                versions.append(self.read(f"project-{project}-v{number}"))
        return sorted(versions, key=lambda version: (version.begun_at, version.name), reverse=True)

    def find(self, name: str) -> Version:
        """A version by its name or by the model_version that Label Studio shows.

        Raises:
            StorageError: there is none, or its record is damaged.
        """
        by_model_version = [version for version in self.all() if version.model_version == name]
        return by_model_version[0] if by_model_version else self.read(name)

    def under_way(self) -> str | None:
        """The name of the version that is being trained right now."""
        try:
            return self.lock_file.read_text(encoding="utf-8") if is_locked(self.lock_file) else None
        except (OSError, ValueError):
            return None

    def in_force(self) -> str | None:
        """The name of the version that is to answer; None for the settings' model."""
        try:
            return (self.folder / _POINTER).read_text(encoding="utf-8").strip() or None
        except (OSError, ValueError):
            return None

    def stamp(self) -> Stamp:
        """Changes whenever the pointer is set; costs microseconds."""
        try:
            found = os.stat(self.folder / _POINTER)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def use(self, name: str | None) -> None:
        """Point to a version, or with None back to the settings' model. Every worker follows within a second or two.

        Raises:
            RequestError: the version has no weights.
            StorageError: there is no such version, or the pointer can't be written.
        """
        if name is None:
            self._point_nowhere()
            return
        version = self.read(name)
        if not version.has_weights or not self.weights(name).is_file():
            raise RequestError(f"{name} has no weights, as its training {version.state}: choose another version")
        _replace(self.folder / _POINTER, f"{name}\n")

    def _point_nowhere(self) -> None:
        try:
            (self.folder / _POINTER).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"{self.folder / _POINTER} can't be deleted ({error.strerror}): see to its folder"
            ) from None

    def drop(self, name: str) -> None:
        """Delete a version and its weights.

        Raises:
            RequestError: it is in force, or in training.
            StorageError: there is none.
        """
        if name == self.in_force():
            raise RequestError(f"{name} is in force: use another version first, e.g. `versions use settings`")
        if not _NAME.fullmatch(name) or not self.folder_of(name).is_dir():
            raise StorageError(f"there is no version {name} in {self.folder}: choose one that is listed")
        with suppress(StorageError):  # a damaged one may go
            if self.read(name).state == "training":
                raise RequestError(f"{name} is being trained: end that process first")
        self._remove(name)

    def _remove(self, name: str) -> None:
        gone = self.folder / f".{name}-{os.getpid()}"
        with suppress(OSError):
            os.replace(self.folder_of(name), gone)  # at once, so that nobody sees half of it
        shutil.rmtree(gone, ignore_errors=True)

    def _numbers(self) -> Iterator[tuple[int, int]]:
        """Project and number of every version."""
        names = (path.name for path in self.folder.iterdir()) if self.folder.is_dir() else ()
        for name in names:
            if match := _NAME.fullmatch(name):
                yield int(match[1]), int(match[2])


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _replace(path: Path, text: str) -> None:
    """The whole file or the old one, whoever writes at the same time."""
    try:
        handle, unfinished = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(handle)
            os.replace(unfinished, path)
        except OSError:
            Path(unfinished).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StorageError(f"{path} can't be written ({error.strerror}): make room there") from None
