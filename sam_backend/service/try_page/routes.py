"""The routes below ``/try``. All addresses in the page are relative, so it works behind any path prefix."""

from __future__ import annotations

import json
import time
from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sam_backend.errors import RequestError
from sam_backend.service.encode_desk import EncodeDesk
from sam_backend.service.event_log import log_event
from sam_backend.service.model_loader import ModelLoader
from sam_backend.service.model_wait import wait_for_model
from sam_backend.service.patience import Patience
from sam_backend.service.try_page.limits import Limits
from sam_backend.service.try_page.mask_answer import answer_masks
from sam_backend.service.try_page.mask_request import parse_mask_request
from sam_backend.service.try_page.page_files import SECURITY_HEADERS, PageFiles
from sam_backend.service.try_page.pictures import PictureForgottenError, Pictures

FORGOTTEN = "picture-forgotten"
"""The ``code`` by which the page knows that it has to send its picture again."""

_WAIT_FOR_MODEL_S = 60.0


def try_page_routes(model: ModelLoader, desk: EncodeDesk, limits: Limits, wait_s: float) -> Blueprint:
    """Build the page's routes over finished parts; pictures wait for ``wait_s`` to be encoded."""
    routes = Blueprint("try_page", __name__)
    pictures = Pictures(desk=desk, max_pixels=limits.max_pixels)
    _add_page(routes, PageFiles())

    @routes.get("/try/about")
    def about() -> dict[str, Any]:
        status = model.status()
        shown = {"name": status.name, "state": status.state, "device": status.device}
        return {"model": shown, "limits": limits.to_json()}

    @routes.post("/try/pictures")
    def add_picture() -> dict[str, Any]:
        _want_type("image/", f"the type image/*, as in image/png, was wanted, got {request.mimetype or 'none'}")
        started_s = time.perf_counter()
        data = _body(limits.max_bytes, "picture")
        predictor = wait_for_model(model, desk.lanes, Patience.of_person(_WAIT_FOR_MODEL_S))
        picture_id, embedding = pictures.add(predictor, data, Patience.of_person(wait_s))
        height, width = embedding.image_hw
        log_event("try_picture", width=width, height=height, bytes=len(data), ms=_ms_since(started_s))
        return {"id": picture_id, "width": width, "height": height}

    @routes.post("/try/pictures/<picture_id>/masks")
    def make_masks(picture_id: str) -> dict[str, Any]:
        _want_type("application/json", "the type application/json was wanted")
        started_s = time.perf_counter()
        prompts = parse_mask_request(_json(_body(limits.max_request_bytes, "click")), limits.max_points)
        predictor = wait_for_model(model, desk.lanes, Patience.of_person(_WAIT_FOR_MODEL_S))
        answer = answer_masks(predictor, pictures.get(predictor, picture_id), prompts)
        log_event(
            "try_masks",
            points=len(prompts.points_xy),
            box=prompts.box_xyxy is not None,
            refined=prompts.mask_logits is not None,
            ms=_ms_since(started_s),
        )
        return answer

    @routes.errorhandler(PictureForgottenError)
    def forgotten(error: PictureForgottenError) -> tuple[Response, int]:
        return jsonify(error=str(error), code=FORGOTTEN), 404

    @routes.after_request
    def secure(response: Response) -> Response:
        response.headers.update(SECURITY_HEADERS)
        return response

    return routes


def _add_page(routes: Blueprint, page: PageFiles) -> None:
    @routes.get("/try")
    def to_page() -> AnyResponse:
        return redirect("try/")  # relative: the prefix of a reverse proxy isn't known here

    @routes.get("/try/")
    @routes.get("/try/<name>")
    def page_file(name: str = "page.html") -> Response:
        return page.respond(name) if name in page else abort(404)


def _want_type(start: str, sentence: str) -> None:
    """A browser sends neither type to another site without asking it first, so no other site can post here."""
    if not request.mimetype.startswith(start):
        abort(415, sentence)


def _body(max_bytes: int, what: str) -> bytes:
    if (request.content_length or 0) <= max_bytes:
        data = request.get_data(cache=False)
        if len(data) <= max_bytes:
            return data
    return abort(413, f"the {what} has more than the {max_bytes / 1e6:g} MB allowed: send a smaller one")


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RequestError("the body is no JSON: send what the page sends") from error


def _ms_since(started_s: float) -> int:
    return round(1000 * (time.perf_counter() - started_s))
