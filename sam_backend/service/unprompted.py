"""What is answered, and what is prepared, while nobody has clicked: tasks opened, batches, new tasks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sam_backend.errors import SamBackendError
from sam_backend.label_studio.rectangle_masks import (
    existing_rectangles,
    mask_regions,
    prompts_by_picture,
    with_rectangles_only,
)
from sam_backend.label_studio.request import PredictRequest, Task
from sam_backend.label_studio.response import task_result
from sam_backend.service.embedder import Embedder
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.event_log import log_event
from sam_backend.service.patience import AHEAD, Patience
from sam_backend.service.prewarm import PrewarmQueue
from sam_backend.service.ready_results import ReadyResults

_BATCH_S = 80.0
"""Label Studio gives up after 100 s, and one picture more may be under way."""

_NOT_STORED: list[Any] = []
"""A task's entry without a prediction: an empty one would be stored, and the task never be asked about again."""


@dataclass(frozen=True, slots=True)
class UnpromptedAnswerer:
    """Built once, used by many threads."""

    embedder: Embedder
    ready: ReadyResults
    queue: PrewarmQueue
    lanes: EncodeLanes

    def answer(self, request: PredictRequest) -> list[Any]:
        """Make the list of ``results``. Of one task, which somebody may just have opened, at once."""
        if len(request.tasks) == 1:
            return self._answer_opened(request, request.tasks[0])
        return self._answer_batch(request)

    def prepare(self, request: PredictRequest, *, is_opened: bool) -> int:
        """Queue what will be needed when somebody clicks; how many pictures are queued."""
        return sum(self._queue(request, task, is_opened=is_opened) for task in request.tasks)

    def _answer_opened(self, request: PredictRequest, task: Task) -> list[Any]:
        version = self.embedder.model.status().version
        result = None if version is None else self.ready.get(version, request.config_digest, task)
        if result is not None:
            return [result]
        n_queued = self.prepare(request, is_opened=True)
        log_event("task_opened", task=task.id, queued=n_queued)
        return []  # nothing is stored for it, and Label Studio asks again when the task is opened again

    def _answer_batch(self, request: PredictRequest) -> list[Any]:
        """As many entries as tasks; or exactly one when time runs out, whereupon each task is asked about alone."""
        until_s = time.monotonic() + _BATCH_S
        results: list[Any] = []
        for task in request.tasks:
            results.append(self._answer_one_of_many(request, task, Patience(until_s, is_person=False)))
            if time.monotonic() > until_s and len(results) < len(request.tasks):
                self.prepare(request, is_opened=False)
                log_event("batch_over_budget", level=logging.WARNING, tasks=len(request.tasks), done=len(results))
                return results[:1]
        log_event("batch", tasks=len(results), filled=sum(bool(result) for result in results))
        return results

    def _answer_one_of_many(
        self, request: PredictRequest, task: Task, patience: Patience
    ) -> dict[str, Any] | list[Any]:
        try:
            version = self.embedder.model.status().version
            result = None if version is None else self.ready.get(version, request.config_digest, task)
            if result is None and existing_rectangles(task):
                self.lanes.wait_until_calm(patience.left_s)
                result = self._make(request, task, patience)
            if result is None:
                self._queue(request, task, is_opened=False)
            return result or _NOT_STORED
        except SamBackendError as error:
            log_event("predict_failed", level=logging.WARNING, task=task.id, error=str(error))
            return _NOT_STORED

    def _queue(self, request: PredictRequest, task: Task, *, is_opened: bool) -> int:
        """How many of a task's pictures are queued."""
        work = self._work_ahead(request, task)
        return sum(
            self.queue.add((request.project, task.id, uri), partial(work, uri), is_opened=is_opened)
            for uri in task.picture_uris(request.config)
        )

    def _work_ahead(self, request: PredictRequest, task: Task) -> Callable[[str], object]:
        """What to do for each picture; it holds on to no draft or annotation: of a task they may be megabytes."""
        project, task_id = request.project, task.id
        if not existing_rectangles(task):
            return lambda uri: self.embedder.see(project, task_id, uri, AHEAD)
        asked, bare = replace(request, tasks=()), with_rectangles_only(task)

        def work(uri: str) -> None:
            self.embedder.see(project, task_id, uri, AHEAD)
            self._make(asked, bare, AHEAD)

        return work

    def _make(self, request: PredictRequest, task: Task, patience: Patience) -> dict[str, Any] | None:
        """Masks for the rectangles that a task has already, kept for when they are asked for; None if it has none."""
        regions: list[dict[str, Any]] = []
        version = ""
        for uri, prompts in prompts_by_picture(request.config, task).items():
            picture = self.embedder.see(request.project, task.id, uri, patience)
            regions += mask_regions(picture.predictor, picture.embedding, request.config, prompts)
            version = picture.predictor.version
        if not regions:
            return None
        result = task_result(regions, version)
        self.ready.put(version, request.config_digest, task, result)
        return result
