"""The composition root: settings in, a finished Flask app out. Every route is handed its parts here."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from sam_backend.predict.heap import use_one_heap
from sam_backend.service.access import guard
from sam_backend.service.event_log import log_event, secrets_of, show_log
from sam_backend.service.http_errors import register_errors
from sam_backend.service.ledger.routes import ledger_routes
from sam_backend.service.ledger.status import ledger_section
from sam_backend.service.metrics.routes import metrics_routes, time_requests
from sam_backend.service.model_loader import ModelLoader, ModelStatus
from sam_backend.service.other_sites import refuse_other_sites
from sam_backend.service.parts import Parts, model_of
from sam_backend.service.raster.build import build_raster_routes, run_book
from sam_backend.service.routes import label_studio_routes
from sam_backend.service.status_page import status_routes
from sam_backend.service.status_report import (
    cache_section,
    connection_section,
    model_section,
    queue_section,
    version_section,
)
from sam_backend.service.try_page.limits import Limits
from sam_backend.service.try_page.routes import try_page_routes
from sam_backend.service.versions.follower import Follower
from sam_backend.service.versions.learning import Learning
from sam_backend.settings import Settings

_DRAFTS_BYTES = 64_000_000  # every click brings the task's drafts: 100 masks of 24 megapixels were 7.3 MB


def create_app(settings: Settings) -> Flask:
    """Build the service and start loading its model in the background."""
    use_one_heap()
    learning = Learning.of(settings)
    seen = learning.book.stamp()
    model = model_of(learning, on_end=partial(_say_who_answers, port=settings.port))
    app = build_app(settings, model, learning)
    model.start()
    app.extensions["housekeeping"].start()
    follower = app.extensions["version-follower"] = Follower(learning.book, learning.in_force, model, seen)
    follower.start()
    return app


def build_app(settings: Settings, model: ModelLoader, learning: Learning | None = None) -> Flask:
    """Build the service over a model that someone else starts."""
    show_log(settings.log_format, secrets_of(settings))
    learning = learning or Learning.of(settings)
    parts = Parts.of(settings, model)
    app = Flask(__name__, static_folder=None)
    book = run_book(settings)
    app.extensions["housekeeping"] = parts.housekeeping(book.forget_old)
    app.json = _StrictJson(app)
    app.config["MAX_CONTENT_LENGTH"] = _DRAFTS_BYTES + settings.max_picture_mb * 1_400_000  # a data: URI is base64
    wait_s = settings.predict_wait_s
    app.register_blueprint(label_studio_routes(model, parts, learning, predict_wait_s=wait_s))
    app.register_blueprint(ledger_routes(parts.ledger.file))
    app.register_blueprint(try_page_routes(model, parts.desk, Limits.of(settings), wait_s=wait_s))
    app.register_blueprint(build_raster_routes(settings, model, parts.desk, parts.last_errors, book))
    app.register_blueprint(metrics_routes(parts.metrics))
    sections = (
        model_section(model),
        *learning.sections(),
        cache_section(parts.image_source.cache, parts.embedding_bytes, settings.cache_mb * 1_000_000),
        queue_section(lambda: len(parts.desk.lanes), lambda: len(parts.queue)),
        ledger_section(parts.ledger),
        connection_section(settings),
        version_section(),
    )
    app.register_blueprint(status_routes(model=model, sections=sections, errors=parts.last_errors))
    register_errors(app, parts.last_errors, parts.metrics)
    time_requests(app, parts.metrics)
    guard(app, settings.api_token)
    refuse_other_sites(app)
    return app


class _StrictJson(DefaultJSONProvider):
    """NaN isn't JSON; better an error here than a browser that can't read the answer."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:  # noqa: ANN401 - the signature of the base class
        return super().dumps(obj, allow_nan=False, **kwargs)


def _say_who_answers(status: ModelStatus, port: int) -> None:
    if status.state == "failed":
        log_event("model_failed", level=logging.ERROR, error=status.error)
        return
    log_event(
        "model_ready",
        model=status.name,
        version=status.version,
        device=status.device,
        connect=(
            f"in Label Studio: Project > Settings > Model > Connect model, URL http://HOST:{port}, interactive "
            "preannotations on; from 1.23.1 on it reaches a backend on a private address only with "
            "ML_BLOCK_LOCAL_IP=false and SSRF_PROTECTION_ENABLED=false in its own environment"
        ),
    )
