"""A training begun by the service: a process of its own, which lives on when a worker is restarted."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping

from sam_backend.errors import StorageError
from sam_backend.service.event_log import log_event
from sam_backend.service.versions.book import VersionBook
from sam_backend.service.versions.studio_source import check_reachable
from sam_backend.service.versions.training_lock import training_lock
from sam_backend.settings import Settings


def start_training(book: VersionBook, settings: Settings, project: int) -> str:
    """Begin a training on a project's annotations; returns within milliseconds.

    Args:
        book: takes the version.
        settings: of this service; the process gets the same.
        project: the id of the project in Label Studio.

    Returns:
        The name of the version that is being trained.

    Raises:
        SettingsError: the address or the token of Label Studio is lacking.
        TrainingUnderWayError: another training has to end first.
        StorageError: nothing can be kept, or no process started.
    """
    check_reachable(settings)
    with training_lock(book.lock_file) as descriptor:
        version = book.begin(project)
        command = [sys.executable, "-m", "sam_backend", "train", "--project", str(project), "--into", version.name]
        try:
            with book.log(version.name).open("wb") as log:
                process = subprocess.Popen(  # noqa: S603 - of this very program, with numbers and names made here
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # a signal for this worker isn't one for the training
                    pass_fds=(descriptor,),  # it holds the lock as long as it lives, and no socket of ours
                    env={**os.environ, **_environment(settings), "PYTHONUNBUFFERED": "1"},
                )
        except OSError as error:
            book.end(version, "failed", f"no process could be started: {error.strerror}")
            raise StorageError(f"no process can be started for the training: {error.strerror}") from None
    log_event("training_started", project=project, version=version.name, process=process.pid)
    threading.Thread(target=_see_out, args=(book, version.name, process), name="training", daemon=True).start()
    return version.name


def _see_out(book: VersionBook, name: str, process: subprocess.Popen[bytes]) -> None:
    """Leave no zombie, and tell the log."""
    code = process.wait()
    try:
        version = book.read(name)
    except StorageError:
        return  # dropped
    log_event("training_ended", version=name, state=version.state, reason=version.reason, exit_code=code)


def _environment(settings: Settings) -> Mapping[str, str]:
    """What the process needs of these settings, however they were made."""
    known: dict[str, object] = {
        "SAM_MODEL": settings.model,
        "SAM_DEVICE": settings.device,
        "SAM_DATA_FOLDER": settings.data_folder,
        "SAM_TRAIN_MINUTES": settings.train_minutes,
        "SAM_TRAIN_STEPS": settings.train_steps,
        "SAM_ALLOWED_HOSTS": ",".join(settings.allowed_hosts),
        "SAM_MAX_PICTURE_MB": settings.max_picture_mb,
        "SAM_MAX_MEGAPIXELS": settings.max_megapixels,
        "LABEL_STUDIO_URL": settings.label_studio_url,
        "LABEL_STUDIO_API_KEY": settings.label_studio_api_key,
        "LABEL_STUDIO_PUBLIC_URL": settings.label_studio_public_url,
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": settings.local_files_root,
    }
    return {name: "" if value is None else str(value) for name, value in known.items()}
