"""The same parts behind somebody else's server: label-studio-ml, which hands over less than a request holds.

Nothing here needs more of Flask than the old one that label-studio-ml pins.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Response, after_this_request, has_request_context, request

from sam_backend.errors import SettingsError
from sam_backend.label_studio.request import parse_predict_request, parse_tasks_created
from sam_backend.predict.heap import use_one_heap
from sam_backend.service.event_log import log_event, secrets_of, show_log
from sam_backend.service.model_loader import ModelStatus
from sam_backend.service.parts import Parts, model_of
from sam_backend.service.patience import Patience
from sam_backend.service.versions.learning import Learning
from sam_backend.settings import Settings

_WAIT_FOR_VERSION_S = 2.5  # Label Studio gives up after 3 s
_ENCODE_S = 24 * 3600.0  # of all pictures of an import
_NO_PROJECT = ""
"""Of a caller who names none."""


class HostedBackend:
    """The weights and parts of one process. label-studio-ml makes a model object per ``/setup``; all share this one.

    Raises:
        SettingsError: a token is asked for, which this host can't do.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.api_token is not None:
            raise SettingsError(
                "SAM_API_TOKEN is set, and label-studio-ml lets everybody in: unset it and guard the port otherwise, "
                "or run the backend's own service, which asks for it"
            )
        show_log(settings.log_format, secrets_of(settings))
        use_one_heap()
        self._model = model_of(Learning.of(settings), on_end=_say_what_became_of_it)
        self._parts = Parts.of(settings, self._model)
        self._housekeeping = self._parts.housekeeping()
        self._wait_s = settings.predict_wait_s
        self._lock = threading.Lock()
        self._is_started = False

    def set_up(self, hostname: str, access_token: str) -> None:
        """Remember where a project's Label Studio is; in a ``/setup``, load the weights and answer with their version.

        Raises:
            ModelUnavailableError: the weights can't be read.
        """
        self._parts.setups.remember(_body_in_hand().get("project", _NO_PROJECT), hostname, access_token)
        if has_request_context():
            self._start()
            version = self._model.wait_for_version(_WAIT_FOR_VERSION_S)
            after_this_request(lambda response: _with_version(response, version))

    def answer(self, tasks: object, params: Mapping[str, Any], label_config: str | None) -> list[Any]:
        """Make the list of ``results``, as the service's ``/predict`` does.

        Args:
            tasks: of the request.
            params: of the request; ``context`` holds the prompts.
            label_config: of the project that was set up last. The request's own counts more: this process may serve
                several projects, and label-studio-ml keeps the model object of one.

        Raises:
            SamBackendError: of the kind that says what to do.
        """
        self._start()
        asked = {"project": _NO_PROJECT, "label_config": label_config} | _body_in_hand()
        predict = parse_predict_request({**asked, "tasks": tasks, "params": dict(params)})
        return self._parts.annotator.answer(predict, Patience.of_person(self._wait_s))

    def learn_of(self, event: str, data: Mapping[str, Any], workdir: str | None) -> None:
        """Do what a webhook gives rise to; label-studio-ml calls this in a process of its own, and this ends with it.

        New tasks' pictures are encoded where the result outlives the process: in a shared cache.
        """
        created = parse_tasks_created({**data, "action": event})
        if created is None or self._parts.desk.embeddings.shared is None:
            return
        with _one_at_a_time(workdir):
            self._start()
            self._parts.annotator.prepare(created)
            self._parts.queue.wait_until_empty(_ENCODE_S)

    def _start(self) -> None:
        with self._lock:
            if not self._is_started:
                self._model.start()
                self._housekeeping.start()
                self._is_started = True


def _body_in_hand() -> dict[str, Any]:
    """What the request says that is being answered; empty outside of one."""
    body = request.get_json(silent=True) if has_request_context() else None
    return body if isinstance(body, dict) else {}


def _with_version(response: Response, version: str) -> Response:
    """label-studio-ml's "INITIAL", or the time of the last webhook, would have tasks predicted again and again."""
    answer = response.get_json(silent=True)
    if isinstance(answer, dict) and "model_version" in answer:
        response.set_data(json.dumps({**answer, "model_version": version}))
    return response


@contextmanager
def _one_at_a_time(workdir: str | None) -> Iterator[None]:
    """Of the processes that begin for each webhook at once, let one load the weights; None where they come in turn."""
    if workdir is None:
        yield
        return
    import fcntl  # not on Windows, where nothing else here would miss it

    with (Path(workdir).parent / "encoding.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _say_what_became_of_it(status: ModelStatus) -> None:
    if status.state == "failed":
        log_event("model_failed", level=logging.ERROR, error=status.error)
    else:
        log_event("model_ready", model=status.name, version=status.version, device=status.device)
