"""The routes that Label Studio 1.2x calls, and nothing else."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, request

from sam_backend.errors import RequestError
from sam_backend.label_studio.request import parse_predict_request, parse_tasks_created
from sam_backend.service.annotator import Annotator
from sam_backend.service.model_loader import ModelLoader
from sam_backend.service.setup_memory import SetupMemory
from sam_backend.service.status_page import health
from sam_backend.service.webhooks import Webhooks, is_trusted

_WAIT_FOR_VERSION_S = 2.5  # Label Studio gives up after 3 s


def label_studio_routes(model: ModelLoader, annotator: Annotator, setups: SetupMemory, webhooks: Webhooks) -> Blueprint:
    """Build the routes over finished parts."""
    routes = Blueprint("label_studio", __name__)

    @routes.get("/health")
    def is_up() -> dict[str, Any]:
        return health(model)

    @routes.post("/setup")
    def setup() -> dict[str, str]:
        body = _json_body()
        if not isinstance(body, dict):
            raise RequestError("a JSON object was wanted for /setup: send what Label Studio sends")
        setups.remember(body.get("project"), body.get("hostname"), body.get("access_token"))
        return {"model_version": model.wait_for_version(_WAIT_FOR_VERSION_S)}

    @routes.post("/predict")
    def predict() -> dict[str, Any]:
        return {"results": annotator.answer(parse_predict_request(_json_body()))}

    @routes.get("/versions")
    def versions() -> dict[str, list[str]]:
        return {"versions": [model.wait_for_version(_WAIT_FOR_VERSION_S)]}

    @routes.post("/webhook")
    def webhook() -> dict[str, str]:
        body = _json_body()
        created = parse_tasks_created(body)
        if created is not None:
            annotator.prepare(created)
        webhooks.take(body, is_trusted=is_trusted())
        return {}  # Label Studio waits one second only, whatever it tells

    return routes


def _json_body() -> object:
    try:
        return orjson.loads(request.get_data(cache=False))  # drafts make bodies of megabytes
    except ValueError as error:
        raise RequestError("the body is no JSON: send what Label Studio sends") from error
