"""Who may use the service: whoever shows the token of its settings, where there is one.

Label Studio's webhooks come without a token, all but those that start a training. So ``/webhook`` is open to everybody,
and what is done there looks at ``flask.g.is_authorized``: True where the token was shown, or none is wanted. What comes
without it may at most make the service look something up by itself.
"""

from __future__ import annotations

import hmac

from flask import Flask, Response, g, jsonify, request
from werkzeug.datastructures import Authorization

from sam_backend.service.event_log import log_event

_HEALTH = "/health"
"""Docker and Label Studio look there whether the service lives; Docker without a token."""

_WEBHOOK = "/webhook"
_STRANGER_BYTES = 32_000_000
"""Of a webhook's body without the token: a hundred large masks are 7 MB."""

_CHALLENGES = ('Basic realm="Segment Anything", charset="UTF-8"', 'Bearer realm="Segment Anything"')
"""Basic first: a browser asks for the first that it knows."""

_SENTENCE = (
    "this service wants its token (SAM_API_TOKEN): send 'Authorization: Bearer TOKEN', or the token as the password of "
    "basic authentication, with any user name"
)


def guard(app: Flask, token: str | None) -> None:
    """Let requests through to ``app`` only with the token; all of them where it is None.

    Without it ``GET /health`` says that the service is up, and not a word more; ``POST /webhook`` goes on as not
    authorized; all else is answered 401.
    """

    @app.before_request
    def check() -> Response | None:
        g.is_authorized = token is None or _shows(request.authorization, token)
        if g.is_authorized:
            return None
        if request.path == _WEBHOOK and request.method == "POST":
            request.max_content_length = min(request.max_content_length or _STRANGER_BYTES, _STRANGER_BYTES)
            return None
        if request.path == _HEALTH and request.method in ("GET", "HEAD"):
            return jsonify(status="UP")
        return refusal()


def refusal() -> Response:
    """The answer to who should have shown the token."""
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
