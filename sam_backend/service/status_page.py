"""``/``: a page for people, the same as JSON for programs. ``/health`` lives with Label Studio's other routes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request

from sam_backend.service.last_errors import LastErrors
from sam_backend.service.model_loader import ModelLoader
from sam_backend.service.status_report import Section, read_all

_ONLY_ITSELF = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def status_routes(model: ModelLoader, sections: Sequence[Section], errors: LastErrors) -> Blueprint:
    """Build the page over finished parts."""
    routes = Blueprint("status", __name__)

    @routes.get("/")
    def status() -> Response:
        if _wants_page():
            return _page(model, sections, errors)
        return jsonify(
            **health(model),
            sections=read_all(sections),
            last_errors=[asdict(error) for error in errors.newest_first()],
        )

    return routes


def health(model: ModelLoader) -> dict[str, Any]:
    """What ``/health`` answers, at once."""
    status = model.status()
    return {
        "status": "UP",
        "model_class": "SegmentAnything",
        "model": status.name,
        "model_version": status.version,
        "device": status.device,
        "state": status.state,
        "error": status.error,
    }


def _wants_page() -> bool:
    """Browsers name HTML; programs ask for JSON or for anything."""
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def _page(model: ModelLoader, sections: Sequence[Section], errors: LastErrors) -> Response:
    page = render_template(
        "status.html", model=model.status(), sections=read_all(sections), errors=errors.newest_first()
    )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = _ONLY_ITSELF
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept"
    return response
