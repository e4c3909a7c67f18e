"""``GET /metrics``, and the timing of every request."""

from __future__ import annotations

import time

from flask import Blueprint, Flask, Response, g, request

from sam_backend.service.metrics.service_metrics import ServiceMetrics

_UNKNOWN = "unknown"
"""Of requests that no route is for: their paths and methods are whatever a scanner thinks of."""


def metrics_routes(metrics: ServiceMetrics) -> Blueprint:
    """Build the route over finished parts."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def show() -> Response:
        shown, media_type = metrics.show(request.headers.get("Accept", ""))
        return Response(shown, content_type=media_type)

    return routes


def time_requests(app: Flask, metrics: ServiceMetrics) -> None:
    """Count what ``app`` answers; register it before whatever may refuse requests."""

    @app.before_request
    def begin() -> None:
        g.began_s = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        rule = request.url_rule
        route, method = (_UNKNOWN, _UNKNOWN) if rule is None else (rule.rule, request.method)
        metrics.request(route, method, response.status_code, time.perf_counter() - g.began_s)
        return response
