"""Label Studio from pip, in an environment of its own: it pins what the backend pins otherwise."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

from sam_backend.cli.local_studio import LocalStudioError

REQUIREMENT = "label-studio==1.23.2"
_INSTALLED_BYTES = 1_000_000_000
_NEEDED_BYTES = 1_800_000_000
"""What is installed, what pip unpacks on the way, and some room for pictures."""


def install_label_studio(folder: Path, requirement: str = REQUIREMENT) -> Path:
    """Make sure that an environment holds exactly this Label Studio, and return its command.

    Raises:
        LocalStudioError: no room, or pip failed. What was begun is begun anew next time.
    """
    stamp = folder / "installed"
    command = folder / "bin" / "label-studio"
    if stamp.exists() and stamp.read_text() == requirement and command.exists():
        return command
    _check_room(folder.parent)
    print(
        f"Installing {requirement} into {folder}: {_INSTALLED_BYTES / 1e9:.0f} GB, some minutes, this once ...",
        flush=True,
    )
    try:
        venv.create(folder, clear=True, with_pip=True)
        run_pip(folder, [requirement])
    except (OSError, subprocess.CalledProcessError) as error:
        raise LocalStudioError(
            f"{requirement} can't be installed into {folder}: {_reason(error)}. Mend that and start again"
        ) from error
    stamp.write_text(requirement)
    return command


def run_pip(folder: Path, requirements: list[str]) -> None:
    """Install into the environment in a folder.

    Raises:
        CalledProcessError: pip has said why.
    """
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *requirements], check=True, stdout=sys.stderr)  # noqa: S603 - our own list


def _check_room(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < _NEEDED_BYTES:
        raise LocalStudioError(
            f"{folder.resolve()} has {free_bytes / 1e9:.1f} GB left and Label Studio needs {_NEEDED_BYTES / 1e9:.1f}: "
            "make room, or give a --folder on another disk"
        )


def _reason(error: OSError | subprocess.CalledProcessError) -> str:
    return "pip failed, see above" if isinstance(error, subprocess.CalledProcessError) else str(error)
