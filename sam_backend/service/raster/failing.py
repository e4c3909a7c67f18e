"""Failures of the raster engine as HTTP: a status by kind, and the error event as the body."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sam_backend.geo.protocol.failures import Failure, FailureKind, failure_of
from sam_backend.geo.protocol.run_records import end_record
from sam_backend.service.encode_lanes import EncodesBusyError
from sam_backend.service.event_log import log_event
from sam_backend.service.last_errors import LastErrors
from sam_backend.service.raster.run_book import UnknownRunError
from sam_backend.service.raster.uploads import TooLargeError

STATUS_BY_KIND: dict[FailureKind, int] = {
    "bad_request": 400,
    "raster": 422,
    "layer": 422,
    "model": 503,
    "storage": 507,
    "out_of_memory": 503,
    "unavailable": 503,
    "internal": 500,
}
_STATUS_BY_ERROR: dict[type[Exception], int] = {UnknownRunError: 404, TooLargeError: 413, EncodesBusyError: 429}
"""Where HTTP has a closer one."""


def answer_failures(routes: Blueprint, last_errors: LastErrors) -> None:
    """Make routes answer whatever goes wrong with an error event; nobody outside ever sees a traceback."""

    @routes.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            status = error.code or 500
            failure = Failure("bad_request" if status < 500 else "internal", error.description or error.name)
        else:
            failure = failure_of(error)
            status = _STATUS_BY_ERROR.get(type(error), STATUS_BY_KIND[failure.kind])
        route = str(request.url_rule)  # not the path: it holds ids that nobody is to guess
        log_event("request_failed", level=logging.WARNING, path=route, status=status, error=failure.message)
        if status != 404:
            last_errors.remember(route, status, failure.message)
        answer = jsonify({"id": None, **end_record(failure)})
        answer.status_code = status
        if isinstance(error, EncodesBusyError):
            answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer
