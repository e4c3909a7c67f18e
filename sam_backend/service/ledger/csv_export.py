"""The ledger as CSV: one row per object."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

COLUMNS = (
    "project",
    "task",
    "annotation",
    "region",
    "origin",
    "tag",
    "shape",
    "label",
    "answered_label",
    "outcome",
    "iou",
    "clicks",
    "refined",
    "seconds",
    "first_click",
    "last_click",
    "score",
    "model_version",
    "lead_time_s",
)
"""See docs/ledger.md."""

_QUERY = """
SELECT * FROM object WHERE :project IS NULL OR project = :project
ORDER BY project, task, coalesce(first_s, 1e99), region
"""


def csv_lines(connection: sqlite3.Connection | None, project: int | None = None) -> Iterator[str]:
    """The head, and then a line for each object of a project, or of all."""
    yield _line(COLUMNS)
    if connection is not None:
        for row in connection.execute(_QUERY, {"project": project}):
            yield _line(_cells(row))


def _cells(row: Mapping[str, Any]) -> list[object]:
    refined = None if row["is_refined"] is None else "yes" if row["is_refined"] else "no"
    derived = {
        "clicks": row["n_prompts"],
        "refined": refined,
        "first_click": _utc(row["first_s"]),
        "last_click": _utc(row["last_s"]),
    }
    return [derived[name] if name in derived else row[name] for name in COLUMNS]


def _utc(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")


def _line(cells: object) -> str:
    file = io.StringIO()
    csv.writer(file).writerow(cells)  # type: ignore[arg-type]
    return file.getvalue()
