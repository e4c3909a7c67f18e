"""``python -m sam_backend.training.synthetic.fetch OUT``: get cut-out objects and backgrounds, and prepare them."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sam_backend.errors import SamBackendError
from sam_backend.training.synthetic.cutout_index import CutoutIndex
from sam_backend.training.synthetic.packages import fetch_package
from sam_backend.training.synthetic.prepare import prepare_folder
from sam_backend.training.synthetic.sources import SOURCES


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch every package, then write the folder."""
    parser = argparse.ArgumentParser(prog="python -m sam_backend.training.synthetic.fetch", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="written: objects, backgrounds and index.json (about 60 MB)")
    folder: Path = parser.parse_args(arguments).folder
    try:
        _say(summary(fetch_and_prepare(folder)))
    except SamBackendError as error:
        _say(f"error: {error}")
        return 1
    return 0


def fetch_and_prepare(folder: Path) -> CutoutIndex:
    """Get all sources through the package tools of this machine (npm; apt-get and dpkg) and prepare them.

    Raises:
        DatasetError: a tool is missing, a registry doesn't give a package, or a package has changed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        packages = []
        for number, source in enumerate(SOURCES):
            _say(f"fetching {source.package}")
            packages.append((source, fetch_package(source, Path(scratch) / str(number))))
        _say("preparing pictures")
        return prepare_folder(packages, folder)


def summary(index: CutoutIndex) -> str:
    """One line: how much there is."""
    held_out = index.side(held_out=True)
    return (
        f"{len(index.objects)} objects ({len(held_out.objects)} held out), "
        f"{len(index.backgrounds)} backgrounds ({len(held_out.backgrounds)} held out)"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
