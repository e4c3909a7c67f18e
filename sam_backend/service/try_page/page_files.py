"""The page itself: read once from the package, sent with headers that let it talk to its own server only."""

from __future__ import annotations

from importlib.resources import files

from flask import Response, request

_CONTENT_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Of every answer below ``/try``."""


class PageFiles:
    """All files of the page in memory, so that no name that a client sends ever meets the disk."""

    def __init__(self) -> None:
        folder = files("sam_backend.service.try_page") / "static"
        self._content_by_name = {
            file.name: file.read_bytes() for file in folder.iterdir() if _ending(file.name) in _CONTENT_TYPES
        }

    def __contains__(self, name: str) -> bool:
        """Whether the page has such a file."""
        return name in self._content_by_name

    def respond(self, name: str) -> Response:
        """Send one file; the browser asks each time whether it is still the same, and mostly gets a 304."""
        response = Response(self._content_by_name[name], content_type=_CONTENT_TYPES[_ending(name)])
        response.headers["Cache-Control"] = "no-cache"
        response.add_etag()
        response.make_conditional(request)
        return response


def _ending(name: str) -> str:
    return name.rpartition(".")[2]
