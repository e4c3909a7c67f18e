"""Where the plugin keeps what runs need to go on: journals, and copies of layers that are no files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from typing import Any

from qgis.core import QgsApplication

_KEPT_DAYS = 30
_SECONDS_PER_DAY = 86400


def kept_folder() -> str:
    """In the user's profile."""
    return os.path.join(QgsApplication.qgisSettingsDirPath(), "segment_anything", "runs")


def kept_file(key: Any, ending: str) -> str:  # noqa: ANN401 - anything that JSON can hold
    """The path of a file of the profile that is the same whenever the key is; files of a month ago are removed.

    Args:
        key: what tells the content from others.
        ending: of the name, with its dot.
    """
    folder = kept_folder()
    os.makedirs(folder, exist_ok=True)
    _remove_old(folder)
    digest = hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()[:20]
    path = os.path.join(folder, digest + ending)
    if os.path.exists(path):
        _remember_use(path)
    return path


def state_of(path: str) -> tuple[int, int]:
    """Size and time of change of a file."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def _remember_use(path: str) -> None:
    """Set the time of last reading; that of change stays, as journals compare it."""
    with contextlib.suppress(OSError):  # another user's profile: it is merely removed earlier
        os.utime(path, ns=(time.time_ns(), os.stat(path).st_mtime_ns))


def _remove_old(folder: str) -> None:
    oldest = time.time() - _KEPT_DAYS * _SECONDS_PER_DAY
    for entry in os.scandir(folder):
        status = entry.stat()
        if entry.is_file() and max(status.st_atime, status.st_mtime) < oldest:
            with contextlib.suppress(OSError):  # in use on Windows: next time
                os.remove(entry.path)
