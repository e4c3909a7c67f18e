"""``/ledger.csv``: the ledger for a spreadsheet."""

from __future__ import annotations

from flask import Blueprint, Response, request

from sam_backend.errors import RequestError
from sam_backend.service.ledger.csv_export import csv_lines
from sam_backend.service.ledger.schema import LedgerFile


def ledger_routes(file: LedgerFile) -> Blueprint:
    """Build the route over the ledger's file."""
    routes = Blueprint("ledger", __name__)

    @routes.get("/ledger.csv")
    def as_csv() -> Response:
        project = _project()
        with file.reading() as connection:
            response = Response("".join(csv_lines(connection, project)), mimetype="text/csv")
        response.headers["Content-Disposition"] = 'attachment; filename="ledger.csv"'
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes


def _project() -> int | None:
    value = request.args.get("project")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise RequestError(f"project={value[:40]!r} is no project: give its number, as in ?project=1")
    return int(value)
