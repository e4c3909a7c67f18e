"""The folder through which workers put their figures together.

Knows nothing of Prometheus, which reads the folder's name once, when it is imported.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import MutableMapping

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def share_metrics(environ: MutableMapping[str, str] = os.environ) -> str | None:
    """Make the folder and name it to all workers to come; None if somebody else has named one."""
    if environ.get(FOLDER_VARIABLE):
        return None
    folder = environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix="sam_backend-metrics-")
    return folder


def forget_metrics(folder: str | None, environ: MutableMapping[str, str] = os.environ) -> None:
    """Remove the folder that `share_metrics` made, once all workers have ended."""
    if folder is None:
        return
    shutil.rmtree(folder, ignore_errors=True)
    environ.pop(FOLDER_VARIABLE, None)


def forget_worker(pid: int) -> None:
    """What a worker that ended held no longer counts; what it did goes on counting."""
    from prometheus_client import multiprocess  # only now is the folder known

    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
