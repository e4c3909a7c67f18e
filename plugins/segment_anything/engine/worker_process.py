"""Starting a Python that isn't QGIS's own: what it runs, and in which environment."""

from __future__ import annotations

import os
import subprocess  # nosec B404 - the worker is a process; always a list of arguments, never a shell
import sys
from collections.abc import Mapping, Sequence
from typing import IO

_DROPPED = ("PROJ_", "GDAL_", "OGR_", "CPL_", "PYTHON", "QT_", "QGIS_", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD")
"""Beginnings of the names of variables that QGIS sets for itself: they would lead another Python to QGIS's libraries
and data (a foreign proj.db breaks rasterio)."""

_DROPPED_WHOLE = ("GEOTIFF_CSV", "PROJ_DATA", "__PYVENV_LAUNCHER__", "DYLD_LIBRARY_PATH", "GTIFF_SRS_SOURCE")

_RUN_FROM_SOURCE = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
    "runpy.run_module('sam_backend', run_name='__main__', alter_sys=True)"
)
"""``-I`` ignores PYTHONPATH, so the folder comes as an argument."""


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what would lead another Python astray.

    Args:
        environment: QGIS's.
    """
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(_DROPPED) and name not in _DROPPED_WHOLE
    }


def backend_command(python: str, source_folder: str, arguments: Sequence[str]) -> list[str]:
    """How ``python -m sam_backend`` is called.

    Args:
        python: path of the Python.
        source_folder: that holds ``sam_backend``; empty where it is installed.
        arguments: for ``sam_backend``.
    """
    module = ["-c", _RUN_FROM_SOURCE, source_folder] if source_folder else ["-m", "sam_backend"]
    return [python, "-I", "-u", *module, *arguments]


def start(command: Sequence[str], stderr: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start a program whose three streams are pipes.

    Raises:
        OSError: there is no such program, or it may not be run.
    """
    return subprocess.Popen(  # noqa: S603  # nosec B603 - the user's own Python, no shell
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=clean_environment(os.environ),
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) if sys.platform == "win32" else 0,
    )


def end(process: subprocess.Popen[bytes], patience_s: float = 3.0) -> int:
    """End a program: first in peace, then by force.

    Args:
        process: a running or ended one.
        patience_s: from peace to force.

    Returns:
        Its exit code.
    """
    process.terminate()
    try:
        return process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
