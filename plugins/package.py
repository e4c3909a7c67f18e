"""Build the plugin's zip, as QGIS's plugin manager installs it: ``python plugins/package.py FOLDER``.

The same files give the same bytes. ``tests/qgis`` holds it to the rules of plugins.qgis.org.
"""

from __future__ import annotations

import argparse
import configparser
import zipfile
from pathlib import Path

PLUGIN = Path(__file__).with_name("segment_anything")
_LEFT_OUT = ("__pycache__", ".pyc", ".ts")
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


def version() -> str:
    """As ``metadata.txt`` says."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(PLUGIN / "metadata.txt", encoding="utf-8")
    return metadata["general"]["version"]


def build(folder: Path) -> Path:
    """Write the zip into a folder.

    Returns:
        Its path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{PLUGIN.name}-{version()}.zip"
    files = [file for file in PLUGIN.rglob("*") if file.is_file() and not _is_left_out(file.relative_to(PLUGIN))]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files):
            entry = zipfile.ZipInfo(file.relative_to(PLUGIN.parent).as_posix(), _TIME)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
    return path


def _is_left_out(inside: Path) -> bool:
    return any(part.startswith(".") or part.endswith(_LEFT_OUT) for part in inside.parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the zip goes")
    print(build(parser.parse_args().folder))  # noqa: T201 - a command line prints
