"""An annotation as Label Studio tells of it: in a webhook's body, or when it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sam_backend.errors import RequestError
from sam_backend.service.ledger.answered import entry_id
from sam_backend.service.webhooks import id_of


@dataclass(frozen=True, slots=True)
class Submitted:
    """One annotation of one task. Who made it isn't read."""

    id: int
    project: int
    task: int
    updated_at: str
    """As Label Studio writes it, ISO 8601 in UTC: later ones sort later."""

    lead_time_s: float | None
    """How long the annotator had the task open, as the editor says."""

    regions: tuple[Mapping[str, Any], ...]
    """None of a task that was skipped: what lies in it was given up."""

    def to_row(self) -> dict[str, Any]:
        """Its columns in the ledger, and the ids of the entries that it may hold as a JSON list ``held``."""
        held = {entry_id(region["id"]) for region in self.regions if isinstance(region.get("id"), str)}
        return {
            "id": self.id,
            "project": self.project,
            "task": self.task,
            "updated_at": self.updated_at,
            "lead_time_s": self.lead_time_s,
            "held": orjson.dumps(sorted(held)).decode(),
        }


def parse_annotation(annotation: object) -> Submitted:
    """Read an annotation of Label Studio.

    Raises:
        RequestError: it is none.
    """
    if not isinstance(annotation, Mapping):
        raise RequestError(f"an annotation must be a JSON object, got {type(annotation).__name__}")
    ids = tuple(id_of(annotation.get(name)) for name in ("id", "project", "task"))
    its_id, project, task = ids
    if its_id is None or project is None or task is None:
        raise RequestError(f"an annotation needs the numbers id, project and task, got {ids}")
    regions = () if annotation.get("was_cancelled") is True else annotation.get("result")
    return Submitted(
        id=its_id,
        project=project,
        task=task,
        updated_at=str(annotation.get("updated_at") or ""),
        lead_time_s=_seconds(annotation.get("lead_time")),
        regions=tuple(one for one in regions if isinstance(one, Mapping)) if isinstance(regions, list) else (),
    )


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e9 else None
