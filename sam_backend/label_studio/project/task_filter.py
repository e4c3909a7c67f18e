"""Which tasks of a project are asked for, in the words of Label Studio's Data Manager."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """All conditions hold together; without any, all tasks are meant."""

    is_annotated: bool | None = None
    """Whether somebody has submitted an annotation; None for either."""

    without_version: str | None = None
    """No prediction's model version may hold this text."""

    after_id: int = 0
    """The task's id is larger: how the next page begins, whatever was added or deleted meanwhile."""

    only_id: int | None = None
    """This very task."""

    def after(self, task_id: int) -> TaskFilter:
        """The same, beyond a task."""
        return replace(self, after_id=task_id)

    def path(self, project: int, page_size: int, *, with_regions: bool) -> str:
        """What to GET for the first ``page_size`` of them in the order of their ids.

        Args:
            project: its id.
            page_size: tasks at most.
            with_regions: whether annotations, predictions and the asking user's drafts come along; they can be large.
        """
        query = {"ordering": ["tasks:id"], "filters": {"conjunction": "and", "items": self._items()}}
        asked = {
            "project": project,
            "page": 1,
            "page_size": page_size,
            "resolve_uri": "false",  # cloud addresses as they were imported, which is what `ImageSource` takes
            "fields": "all" if with_regions else "task_only",
            "query": json.dumps(query),
        }
        return f"/api/tasks?{urlencode(asked)}"

    def _items(self) -> list[dict[str, Any]]:
        items = [_item("id", "greater", "Number", self.after_id)]
        if self.only_id is not None:
            items.append(_item("id", "equal", "Number", self.only_id))
        if self.is_annotated is not None:
            operator = "greater" if self.is_annotated else "equal"
            items.append(_item("total_annotations", operator, "Number", 0))
        if self.without_version is not None:
            items.append(_item("predictions_model_versions", "not_contains", "List", [self.without_version]))
        return items


ALL_TASKS = TaskFilter()
"""No condition."""


def _item(column: str, operator: str, kind: str, value: object) -> dict[str, Any]:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}
