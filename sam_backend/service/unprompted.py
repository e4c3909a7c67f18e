"""What is answered, and what is prepared, while nobody has clicked: tasks opened, batches, new tasks."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from sam_backend.errors import SamBackendError
from sam_backend.label_studio.output import Output, outputs_of
from sam_backend.label_studio.request import PredictRequest, Task
from sam_backend.label_studio.response import regions_of, task_result
from sam_backend.label_studio.smart_prompt import SmartPrompt, parse_smart_prompt
from sam_backend.service.embedder import Embedder, SeenPicture
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.event_log import log_event
from sam_backend.service.patience import AHEAD, Patience
from sam_backend.service.prewarm import PrewarmQueue
from sam_backend.service.ready_results import ReadyResults, existing_rectangles

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
        n_queued = 0
        for task in request.tasks:
            for uri in task.picture_uris(request.config):
                n_queued += self._queue(request, task, uri, is_opened=is_opened)
        return n_queued

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
                for uri in task.picture_uris(request.config):
                    self._queue(request, task, uri, is_opened=False)
            return result or _NOT_STORED
        except SamBackendError as error:
            log_event("predict_failed", level=logging.WARNING, task=task.id, error=str(error))
            return _NOT_STORED

    def _queue(self, request: PredictRequest, task: Task, uri: str, *, is_opened: bool) -> bool:
        def work() -> None:
            self.embedder.see(request.project, task.id, uri, AHEAD)
            self._make(request, task, AHEAD)

        return self.queue.add((request.project, task.id, uri), work, is_opened=is_opened)

    def _make(self, request: PredictRequest, task: Task, patience: Patience) -> dict[str, Any] | None:
        """Masks for the rectangles that a task has already, kept for when they are asked for; None if it has none."""
        prompts = [prompt for item in existing_rectangles(task) if (prompt := parse_smart_prompt([item])) is not None]
        regions: list[dict[str, Any]] = []
        version = ""
        for uri, together in _by_picture(request, task, prompts).items():
            picture = self.embedder.see(request.project, task.id, uri, patience)
            regions += _regions(request, picture, together)
            version = picture.predictor.version
        if not regions:
            return None
        result = task_result(regions, version)
        self.ready.put(version, request.config_digest, task, result)
        return result


def _by_picture(request: PredictRequest, task: Task, prompts: list[SmartPrompt]) -> dict[str, list[SmartPrompt]]:
    by_uri: dict[str, list[SmartPrompt]] = {}
    for prompt in prompts:
        data_key = request.config.data_key(prompt.to_name)
        if data_key is not None and _outputs(request, prompt):
            by_uri.setdefault(task.picture_uri(data_key, prompt.item_index), []).append(prompt)
    return by_uri


def _regions(request: PredictRequest, picture: SeenPicture, together: list[SmartPrompt]) -> list[dict[str, Any]]:
    named = [(one, prompts) for one in together if (prompts := one.to_prompts(picture.embedding.image_hw)) is not None]
    seen = picture.predictor.segment_batch(picture.embedding, [prompts for _, prompts in named], multimask=False)
    regions: list[dict[str, Any]] = []
    for (prompt, _), prediction in zip(named, seen, strict=True):
        outputs = _outputs(request, prompt)
        regions += regions_of(prediction.masks[0], float(prediction.predicted_iou[0]), prompt, outputs)
    return regions


def _outputs(request: PredictRequest, prompt: SmartPrompt) -> list[Output]:
    """Rectangles are there already."""
    outputs = outputs_of(request.config, prompt.to_name, prompt.label)
    return [output for output in outputs if output.shape != "rectangle"]
