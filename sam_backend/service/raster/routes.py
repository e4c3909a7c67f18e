"""The routes below ``/raster``; see docs/raster-protocol.md."""

from __future__ import annotations

import math
import threading
from contextlib import nullcontext
from typing import Any

import orjson
from flask import Blueprint, Response, abort, request, send_file

from sam_backend.errors import RequestError
from sam_backend.geo.protocol.perform import perform
from sam_backend.geo.protocol.run_records import end_record
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.last_errors import LastErrors
from sam_backend.service.raster.failing import answer_failures
from sam_backend.service.raster.taking_on import TakingOn
from sam_backend.service.raster.uploads import Uploads

_TYPES = {
    ".gpkg": "application/geopackage+sqlite3",
    ".fgb": "application/flatgeobuf",
    ".geojson": "application/geo+json",
    ".parquet": "application/vnd.apache.parquet",
}
_URGENT = ("object", "prefetch")
"""What somebody waits for, or is about to; runs step aside."""

_LONGEST_WAIT_S = 20.0
_CROWDED_WAIT_S = 0.5
_N_WAITING = 4
"""Threads that may wait for events; the others of the server are for those who want something done."""


def raster_routes(taking_on: TakingOn, uploads: Uploads, lanes: EncodeLanes, last_errors: LastErrors) -> Blueprint:
    """Build the routes over finished parts."""
    routes = Blueprint("raster", __name__, url_prefix="/raster")
    answer_failures(routes, last_errors)
    _add_questions(routes, taking_on, lanes)
    _add_runs(routes, taking_on)

    @routes.post("/uploads")
    def upload() -> dict[str, str]:
        taking_on.book.forget_old()
        request.max_content_length = None  # as many as uploads may have, and they count for themselves
        uploads.check_size(request.content_length or 0)
        return {"path": uploads.receive(request.args.get("name", ""), request.stream)}

    return routes


def _add_questions(routes: Blueprint, taking_on: TakingOn, lanes: EncodeLanes) -> None:
    @routes.post("/<any(hello, object, prefetch):operation>")
    def ask(operation: str) -> dict[str, Any]:
        body = _json_body()
        asked = taking_on.asking.request(operation, body)
        with lanes.urgent() if operation in _URGENT else nullcontext():
            result = perform(asked, taking_on.click_host, lambda _: None, lambda: False)
        return {"id": body.get("id") if isinstance(body, dict) else None, **end_record(result)}

    @routes.post("/refilter")
    def refilter() -> dict[str, Any]:
        return taking_on.refilter(_json_body())


def _add_runs(routes: Blueprint, taking_on: TakingOn) -> None:
    book, seats = taking_on.book, threading.BoundedSemaphore(_N_WAITING)

    @routes.post("/runs")
    def begin() -> tuple[dict[str, str], int]:
        return {"run": taking_on.run(_json_body())}, 202

    @routes.get("/runs/<run_id>/events")
    def events(run_id: str) -> dict[str, Any]:
        run, after, wait_s = book.find(run_id), int(_number("after")), min(_number("wait"), _LONGEST_WAIT_S)
        has_seat = seats.acquire(blocking=False)
        try:
            found = run.wait_for_events(after, wait_s if has_seat else min(wait_s, _CROWDED_WAIT_S))
        finally:
            if has_seat:
                seats.release()
        return {"events": found, "next": after + len(found)}

    @routes.delete("/runs/<run_id>")
    def cancel(run_id: str) -> dict[str, Any]:
        return {"id": run_id, **end_record({"found": book.find(run_id).cancel()})}

    @routes.get("/runs/<run_id>/output")
    def output(run_id: str) -> Response:
        run = book.find(run_id)
        path = run.output()
        if path is None:
            what = "isn't at its end yet: wait for its result" if run.is_held() else "has written no objects"
            abort(409, f"the run {what}")
        name = f"{book.note(run).name}{path.suffix}"
        return send_file(path, _TYPES[path.suffix], as_attachment=True, download_name=name)


def _json_body() -> object:
    try:
        return orjson.loads(request.get_data(cache=False))
    except ValueError:
        raise RequestError("the body is no JSON: send the fields of the request as a JSON object") from None


def _number(name: str) -> float:
    text = request.args.get(name, "0")
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1e12:
        raise RequestError(f"{name} must be a number from 0 on, got {text[:40]!r}: leave it out, or correct it")
    return number
