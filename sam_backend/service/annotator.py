"""The path of a click: request -> picture -> embedding -> mask -> region."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from sam_backend.errors import RequestError
from sam_backend.label_studio.drafts import read_draft
from sam_backend.label_studio.labeling_config import Control
from sam_backend.label_studio.request import PredictRequest, Task
from sam_backend.label_studio.response import NOTHING, brush_region, task_result
from sam_backend.label_studio.smart_prompt import SmartPrompt, parse_smart_prompt
from sam_backend.service.clicks import ClickAnswerer
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.event_log import log_event
from sam_backend.service.session_book import Place
from sam_backend.service.unprompted import UnpromptedAnswerer


@dataclass(frozen=True, slots=True)
class Annotator:
    """Answers ``/predict``; built once, used by many threads."""

    clicks: ClickAnswerer
    unprompted: UnpromptedAnswerer
    lanes: EncodeLanes
    max_pixels: int

    def answer(self, request: PredictRequest) -> list[Any]:
        """Make the list of ``results``: exactly one entry if somebody clicked.

        Raises:
            SamBackendError: of the kind that says what to do.
        """
        if request.prompt_items is None:
            return self.unprompted.answer(request)
        with self.lanes.urgent():
            return self._answer_click(request, parse_smart_prompt(request.prompt_items))

    def prepare(self, request: PredictRequest) -> None:
        """Get ready for tasks that were just created; returns at once."""
        n_queued = self.unprompted.prepare(request, is_opened=False)
        log_event("tasks_created", tasks=len(request.tasks), queued=n_queued)

    def _answer_click(self, request: PredictRequest, prompt: SmartPrompt | None) -> list[dict[str, Any]]:
        task = request.tasks[0]
        if prompt is None:
            return self._nothing(task, "no usable key point or rectangle among the prompts")
        output = request.config.brush_output(prompt.to_name, prompt.label)
        data_key = request.config.data_key(prompt.to_name)
        if output is None or data_key is None:
            return self._nothing(task, f"no brush tag of {prompt.to_name!r} takes the label {prompt.label!r}")
        return self._segment(request, task, prompt, output, task.picture_uri(data_key, prompt.item_index))

    def _nothing(self, task: Task, reason: str) -> list[dict[str, Any]]:
        log_event("predict_nothing", level=logging.WARNING, task=task.id, reason=reason)
        return [NOTHING]

    def _segment(
        self, request: PredictRequest, task: Task, prompt: SmartPrompt, output: Control, uri: str
    ) -> list[dict[str, Any]]:
        self._check_size(prompt)
        picture = self.clicks.embedder.see(request.project, task.id, uri)
        started_s = time.perf_counter()
        place = Place(request.project, task.id, output.name, prompt.label)
        answer = self.clicks.answer(picture, prompt, read_draft(task.drafts), place)
        if answer is None:
            return self._nothing(task, "the prompts name no object: no positive click, no rectangle with an area")
        regions = [brush_region(answer.mask, answer.predicted_iou, prompt, output, answer.region_id)]
        log_event(
            "predict",
            task=task.id,
            points=len(answer.prompts.points_xy),
            box=answer.prompts.box_xyxy is not None,
            score=regions[0]["score"],
            refined=answer.is_refined,
            fetch_ms=picture.fetch_ms,
            embed_ms=picture.embed_ms,
            mask_ms=round(1000 * (time.perf_counter() - started_s)),
        )
        return [task_result(regions, picture.predictor.version)]

    def _check_size(self, prompt: SmartPrompt) -> None:
        height, width = prompt.original_hw or (1, 1)
        if height * width > self.max_pixels:
            raise RequestError(
                f"a mask of {width} x {height} has more than the {self.max_pixels / 1e6:g} megapixels allowed: "
                "raise SAM_MAX_MEGAPIXELS or use smaller pictures"
            )
