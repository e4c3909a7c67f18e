"""The folder that runs over rasters and uploads live in; all workers of a machine share it."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sam_backend.errors import StorageError
from sam_backend.store.open_store import folder_of


@dataclass(frozen=True, slots=True)
class Spool:
    """Made when it is first needed; nobody else may look into it."""

    root: Path

    def is_made(self) -> bool:
        """Whether anything was ever kept in it."""
        return self.root.exists()

    def part(self, name: str) -> Path:
        """A folder of it.

        Raises:
            StorageError: it can't be made, or belongs to somebody else.
        """
        with told_as_storage_error(self.root):
            with suppress(FileExistsError):
                self.root.mkdir(mode=0o700, parents=True)  # the cache's folder may just have been removed
            _check_own(self.root)
            part = self.root / name
            part.mkdir(mode=0o700, exist_ok=True)
        return part

    def new_folder(self, part: str, name: str, fill: Callable[[Path], None]) -> Path:
        """A folder of a part, that appears when it is filled.

        Raises:
            StorageError: there is no room.
        """
        final = self.part(part) / name
        with told_as_storage_error(self.root):
            unfinished = Path(tempfile.mkdtemp(prefix=".new-", dir=final.parent))
            try:
                fill(unfinished)
                unfinished.rename(final)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
        return final


def default_spool(cache_url: str) -> Path:
    """In the folder of the shared cache, or a temporary one that all workers of this user find."""
    if cache_url.startswith("file://"):
        return Path(os.path.realpath(folder_of(cache_url))) / "raster"
    return Path(tempfile.gettempdir()) / f"sam-raster-{os.getuid()}"


def _check_own(folder: Path) -> None:
    """In a folder for everybody, somebody else may have been there first."""
    found = folder.lstat()
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid in (os.getuid(), 0)
    if not is_own or found.st_mode & stat.S_IWOTH:
        raise StorageError(f"{folder} is somebody else's, or open to all: remove it, or set another SAM_RASTER_SPOOL")


def age_s(folder: Path) -> float:
    """Since something in a folder last changed."""
    times_s = [0.0]
    for path in (folder, *folder.iterdir()):
        with suppress(FileNotFoundError):
            times_s.append(path.stat().st_mtime)
    return time.time() - max(times_s)


@contextmanager
def told_as_storage_error(folder: Path) -> Iterator[None]:
    """Say what to do about a disk that is full or can't be written.

    Raises:
        StorageError: in place of an OSError.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(
            f"{folder} can't be written ({error.strerror or error}): make room, or choose another SAM_RASTER_SPOOL"
        ) from error
