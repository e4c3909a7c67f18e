"""The one table from errors to HTTP: every failure becomes ``{"error": "one sentence"}``, and one line in the log."""

from __future__ import annotations

import logging

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sam_backend.errors import ImageError, ImageSourceError, PromptError, RequestError, SamBackendError
from sam_backend.service.event_log import LOGGER, log_event
from sam_backend.service.model_loader import ModelUnavailableError

STATUS_BY_ERROR: dict[type[SamBackendError], int] = {
    RequestError: 400,
    PromptError: 400,
    ImageError: 422,
    ImageSourceError: 502,
    ModelUnavailableError: 503,
}
"""Errors that aren't listed are ours: 500."""


def register_errors(app: Flask) -> None:
    """Make ``app`` answer errors by the table; nobody outside ever sees a traceback."""
    app.register_error_handler(SamBackendError, _known)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _unexpected)


def _known(error: SamBackendError) -> tuple[Response, int]:
    return _answer(str(error), STATUS_BY_ERROR.get(type(error), 500))


def _of_http(error: HTTPException) -> tuple[Response, int]:
    return _answer(error.description or error.name, error.code or 500)


def _unexpected(error: Exception) -> tuple[Response, int]:
    LOGGER.error("unexpected error at %s", request.path, exc_info=error)
    return _answer("an unexpected error, written to the log of this service: please report it", 500)


def _answer(message: str, status: int) -> tuple[Response, int]:
    log_event("request_failed", level=logging.WARNING, path=request.path, status=status, error=message)
    return jsonify(error=message), status
