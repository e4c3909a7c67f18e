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
from sam_backend.service.busy import BusyError
from sam_backend.service.encode_lanes import EncodesBusyError
from sam_backend.service.event_log import LOGGER, log_event
from sam_backend.service.fetch_seats import FetchesBusyError
from sam_backend.service.last_errors import LastErrors
from sam_backend.service.metrics.service_metrics import ServiceMetrics
from sam_backend.service.model_loader import ModelUnavailableError
from sam_backend.service.versions.training_lock import TrainingUnderWayError

STATUS_BY_ERROR: dict[type[SamBackendError], int] = {
    RequestError: 400,
    PromptError: 400,
    ImageError: 422,
    ImageSourceError: 502,
    EncodesBusyError: 429,
    FetchesBusyError: 429,
    ModelUnavailableError: 503,
    TrainingUnderWayError: 409,
    SettingsError: 409,
    StorageError: 507,
}
"""Errors that aren't listed are ours: 500."""


def register_errors(app: Flask, last_errors: LastErrors, metrics: ServiceMetrics) -> None:
    """Make ``app`` answer errors by the table, and remember them; nobody outside ever sees a traceback."""

    def known(error: SamBackendError) -> Response:
        retry_after_s = error.retry_after_s if isinstance(error, BusyError) else None
        return answer(error, str(error), STATUS_BY_ERROR.get(type(error), 500), retry_after_s)

    def of_http(error: HTTPException) -> Response:
        return answer(error, error.description or error.name, error.code or 500, getattr(error, "retry_after", None))

    def unexpected(error: Exception) -> Response:
        LOGGER.error("unexpected error at %s", request.path, exc_info=error)
        return answer(error, "an unexpected error, written to the log of this service: please report it", 500)

    def answer(error: Exception, message: str, status: int, retry_after_s: int | None = None) -> Response:
        log_event("request_failed", level=logging.WARNING, path=request.path, status=status, error=message)
        if status not in (404, 405):  # a browser's favicon and a scanner's guesses would push out what matters
            last_errors.remember(request.path, status, message)
            metrics.error("request", error)
        response = jsonify(error=message)
        response.status_code = status
        if retry_after_s is not None:
            response.headers["Retry-After"] = str(retry_after_s)
        return response

    app.register_error_handler(SamBackendError, known)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, unexpected)
