"""The routes that Label Studio 1.2x calls, and nothing else."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import ServiceUnavailable

from sam_backend.errors import RequestError
from sam_backend.label_studio.request import parse_predict_request, parse_start_training, parse_tasks_created
from sam_backend.service.access import refusal
from sam_backend.service.busy import BusyError
from sam_backend.service.model_loader import ModelLoader
from sam_backend.service.parts import Parts
from sam_backend.service.patience import Patience
from sam_backend.service.status_page import health
from sam_backend.service.versions.learning import Learning

_WAIT_FOR_VERSION_S = 2.5  # Label Studio gives up after 3 s


def label_studio_routes(model: ModelLoader, parts: Parts, learning: Learning, predict_wait_s: float) -> Blueprint:
    """Build the routes over finished parts; clicks wait for ``predict_wait_s`` from their arrival."""
    routes = Blueprint("label_studio", __name__)

    @routes.get("/health")
    def is_up() -> dict[str, Any]:
        return health(model)

    @routes.post("/setup")
    def setup() -> dict[str, str]:
        body = _json_body()
        if not isinstance(body, dict):
            raise RequestError("a JSON object was wanted for /setup: send what Label Studio sends")
        parts.setups.remember(body.get("project"), body.get("hostname"), body.get("access_token"))
        return {"model_version": model.wait_for_version(_WAIT_FOR_VERSION_S)}

    @routes.post("/predict")
    def predict() -> dict[str, Any]:
        patience = Patience.of_person(predict_wait_s)
        try:
            return {"results": parts.annotator.answer(parse_predict_request(_json_body()), patience)}
        except BusyError as error:  # Label Studio knows nothing of 429
            raise ServiceUnavailable(str(error), retry_after=error.retry_after_s) from error

    @routes.get("/versions")
    def versions() -> dict[str, list[str]]:
        return {"versions": learning.model_versions(model.wait_for_version(_WAIT_FOR_VERSION_S))}

    @routes.post("/webhook")
    def webhook() -> dict[str, str] | Response:
        body = _json_body()
        project = parse_start_training(body)
        if project is not None:
            if not g.is_authorized:
                return refusal()
            learning.on_start_training(project)
            return {}
        created = parse_tasks_created(body)
        if created is not None and g.is_authorized:  # or strangers would say which pictures are fetched
            parts.annotator.prepare(created)
        parts.webhooks.take(body, is_trusted=g.is_authorized)
        return {}  # Label Studio waits one second only, whatever it tells

    return routes


def _json_body() -> object:
    try:
        return orjson.loads(request.get_data(cache=False))  # drafts make bodies of megabytes
    except ValueError as error:
        raise RequestError("the body is no JSON: send what Label Studio sends") from error
