"""The one table from errors to HTTP: every failure becomes ``{"error": "one sentence"}``, and one line in the log."""

from __future__ import annotations

import logging

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sam_backend.errors import (
    ImageError,
    ImageSourceError,
    PromptError,
    RequestError,
    SamBackendError,
    SettingsError,
    StorageError,
)
from sam_backend.service.event_log import LOGGER, log_event
from sam_backend.service.last_errors import LastErrors
from sam_backend.service.model_loader import ModelUnavailableError
from sam_backend.service.versions.training_lock import TrainingUnderWayError

STATUS_BY_ERROR: dict[type[SamBackendError], int] = {
    RequestError: 400,
    PromptError: 400,
    ImageError: 422,
    ImageSourceError: 502,
    ModelUnavailableError: 503,
    TrainingUnderWayError: 409,
    SettingsError: 409,
    StorageError: 507,
}
"""Errors that aren't listed are ours: 500."""


def register_errors(app: Flask, last_errors: LastErrors) -> None:
    """Make ``app`` answer errors by the table, and remember them; nobody outside ever sees a traceback."""

    def known(error: SamBackendError) -> tuple[Response, int]:
        return answer(str(error), STATUS_BY_ERROR.get(type(error), 500))

    def of_http(error: HTTPException) -> tuple[Response, int]:
        return answer(error.description or error.name, error.code or 500)

    def unexpected(error: Exception) -> tuple[Response, int]:
        LOGGER.error("unexpected error at %s", request.path, exc_info=error)
        return answer("an unexpected error, written to the log of this service: please report it", 500)

    def answer(message: str, status: int) -> tuple[Response, int]:
        log_event("request_failed", level=logging.WARNING, path=request.path, status=status, error=message)
        if status not in (404, 405):  # a browser's favicon and a scanner's guesses would push out what matters
            last_errors.remember(request.path, status, message)
        return jsonify(error=message), status

    app.register_error_handler(SamBackendError, known)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, unexpected)
