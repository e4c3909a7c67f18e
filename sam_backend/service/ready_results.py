"""Answers for tasks that nobody has clicked on yet, made ahead of time."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sam_backend.label_studio.rectangle_masks import existing_rectangles
from sam_backend.label_studio.request import Task
from sam_backend.store.byte_store import ByteStore

_KEPT_S = 30 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class ReadyResults:
    """Kept by all that an answer depends on, so that none is handed out for a task that has changed since."""

    store: ByteStore

    def get(self, version: str, config_digest: str, task: Task) -> dict[str, Any] | None:
        """The entry of ``results`` for a task, made by the model ``version``; None if there is none yet."""
        data = self.store.get(_key(version, config_digest, task))
        return None if data is None else json.loads(data)

    def put(self, version: str, config_digest: str, task: Task, result: dict[str, Any]) -> None:
        """Keep an entry for when the task is opened, or predictions are retrieved."""
        self.store.put(_key(version, config_digest, task), json.dumps(result, allow_nan=False).encode(), _KEPT_S)


def _key(version: str, config_digest: str, task: Task) -> str:
    about = json.dumps([task.id, task.data, existing_rectangles(task)], sort_keys=True, default=str)
    return f"ready/{version}/{config_digest}/{hashlib.sha256(about.encode()).hexdigest()}"
