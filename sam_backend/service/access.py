"""Who may use the service: whoever shows the token of its settings, where there is one."""

from __future__ import annotations

import hmac

from flask import Flask, Response, jsonify, request
from werkzeug.datastructures import Authorization

from sam_backend.service.event_log import log_event

_HEALTH = "/health"
"""Docker and Label Studio look there whether the service lives; Docker without a token."""

_CHALLENGES = ('Basic realm="Segment Anything", charset="UTF-8"', 'Bearer realm="Segment Anything"')
"""Basic first: a browser asks for the first that it knows."""

_SENTENCE = (
    "this service wants its token (SAM_API_TOKEN): send 'Authorization: Bearer TOKEN', or the token as the password of "
    "basic authentication, with any user name"
)


def guard(app: Flask, token: str | None) -> None:
    """Let requests through to ``app`` only with the token; all of them where it is None.

    Without it ``GET /health`` says that the service is up, and not a word more; all else is answered 401.
    """
    if token is None:
        return

    @app.before_request
    def check() -> Response | None:
        if _shows(request.authorization, token):
            return None
        if request.path == _HEALTH and request.method in ("GET", "HEAD"):
            return jsonify(status="UP")
        log_event("not_authorized", path=request.path)
        answer = jsonify(error=_SENTENCE)
        answer.status_code = 401
        for challenge in _CHALLENGES:
            answer.headers.add("WWW-Authenticate", challenge)
        return answer


def _shows(shown: Authorization | None, token: str) -> bool:
    """Compared in a time that doesn't depend on how much of it is right."""
    if shown is None:
        return False
    value = shown.token if shown.type == "bearer" else shown.password if shown.type == "basic" else None
    return isinstance(value, str) and hmac.compare_digest(value.encode("utf-8", "surrogatepass"), token.encode())
