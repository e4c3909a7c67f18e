"""The path of a click: request -> picture -> embedding -> mask -> region."""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sam_backend.errors import RequestError, SamBackendError
from sam_backend.label_studio.command import HELP_TEXT, TypedText, parse_typed_text, unknown_command
from sam_backend.label_studio.drafts import read_draft
from sam_backend.label_studio.messages import message_result
from sam_backend.label_studio.output import Output, outputs_of
from sam_backend.label_studio.request import PredictRequest
from sam_backend.label_studio.response import NOTHING, regions_of, task_result
from sam_backend.label_studio.smart_prompt import SmartPrompt, parse_smart_prompts
from sam_backend.service.clicks import ClickAnswerer, ObjectAnswer
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.event_log import log_event
from sam_backend.service.last_errors import LastErrors
from sam_backend.service.ledger.answered import AnsweredClick, ClickedObject
from sam_backend.service.metrics.service_metrics import ServiceMetrics
from sam_backend.service.patience import Patience
from sam_backend.service.session_book import Place
from sam_backend.service.unprompted import UnpromptedAnswerer


def _unheard(_: AnsweredClick) -> None:
    """For a service that keeps no ledger."""


@dataclass(frozen=True, slots=True)
class Annotator:
    """Answers ``/predict``; built once, used by many threads."""

    clicks: ClickAnswerer
    unprompted: UnpromptedAnswerer
    lanes: EncodeLanes
    last_errors: LastErrors
    metrics: ServiceMetrics
    max_pixels: int
    max_prompts: int
    on_answer: Callable[[AnsweredClick], None] = _unheard
    """Told of each answered click; returns at once."""

    def answer(self, request: PredictRequest, patience: Patience) -> list[Any]:
        """Make the list of ``results``: exactly one entry if somebody clicked.

        What went wrong is told in the config's ``<TextArea>``; without one it is raised.

        Args:
            request: as Label Studio sent it.
            patience: of who clicked.

        Raises:
            SamBackendError: of the kind that says what to do.
        """
        if request.prompt_items is None:
            return self.unprompted.answer(request)
        try:
            with self.lanes.urgent():
                return [self._answer_items(request, request.prompt_items, patience)]
        except SamBackendError as error:
            self.metrics.error("click", error)
            shown = message_result(str(error), request.config, _place_of(request.prompt_items))
            if shown is None:
                raise
            log_event("predict_failed", level=logging.WARNING, task=request.tasks[0].id, error=str(error))
            self.last_errors.remember("/predict", HTTPStatus.OK, str(error))
            return [shown]

    def prepare(self, request: PredictRequest) -> None:
        """Get ready for tasks that were just created; returns at once."""
        n_queued = self.unprompted.prepare(request, is_opened=False)
        log_event("tasks_created", tasks=len(request.tasks), queued=n_queued)

    def _answer_items(
        self, request: PredictRequest, items: Sequence[dict[str, Any]], patience: Patience
    ) -> dict[str, Any]:
        if len(items) > self.max_prompts:
            raise RequestError(
                f"{len(items)} prompts came at once, and up to {self.max_prompts} are taken: accept the object and "
                "begin another, or raise SAM_MAX_PROMPTS"
            )
        prompts = parse_smart_prompts(items)
        typed = None if prompts else parse_typed_text(items, request.config)
        return self._answer_text(request, typed) if typed else self._answer_prompts(request, prompts, patience)

    def _answer_text(self, request: PredictRequest, typed: TypedText) -> dict[str, Any]:
        if not (typed.asks_for_help or typed.is_for_us):
            return NOTHING  # the annotator's own words
        text = HELP_TEXT if typed.asks_for_help else unknown_command(typed.text)
        return message_result(text, request.config, typed.to_name) or NOTHING

    def _answer_prompts(
        self, request: PredictRequest, prompts: Sequence[SmartPrompt], patience: Patience
    ) -> dict[str, Any]:
        if not prompts:
            return self._nothing(request, "no usable key point or rectangle among the prompts: click on the object")
        picture = prompts[-1]  # all are on one picture, with one label
        outputs = outputs_of(request.config, picture.to_name, picture.label)
        data_key = request.config.data_key(picture.to_name)
        if not outputs or data_key is None:
            return self._nothing(
                request,
                f"no tag of {picture.to_name!r} takes an object with the label {picture.label!r}: add the label to one "
                "of Polygon, Bitmask, Brush, Vector, Ellipse or Rectangle in the labeling config",
            )
        uri = request.tasks[0].picture_uri(data_key, picture.item_index)
        return self._segment(request, prompts, outputs, uri, patience)

    def _nothing(self, request: PredictRequest, reason: str) -> dict[str, Any]:
        log_event("predict_nothing", level=logging.WARNING, task=request.tasks[0].id, reason=reason)
        self.last_errors.remember("/predict", HTTPStatus.OK, reason)
        return message_result(reason, request.config, _place_of(request.prompt_items or ())) or NOTHING

    def _segment(
        self,
        request: PredictRequest,
        objects: Sequence[SmartPrompt],
        outputs: Sequence[Output],
        uri: str,
        patience: Patience,
    ) -> dict[str, Any]:
        self._check_size(objects[-1])
        task = request.tasks[0]
        picture = self.clicks.embedder.see(request.project, task.id, uri, patience)
        started_s = time.perf_counter()
        place = Place(request.project, task.id, outputs[0].control.name, objects[-1].label)
        draft, may_choose = read_draft(task.drafts), any(output.options.multimask for output in outputs)
        answers = [
            (prompt, answer)
            for prompt in objects
            if (answer := self.clicks.answer(picture, prompt, draft, place, patience, may_choose=may_choose))
            is not None
        ]
        if not answers:
            return self._nothing(request, "the prompts name no object: no positive click, no rectangle with an area")
        regions = [
            region
            for prompt, answer in answers
            for region in regions_of(answer.mask, answer.predicted_iou, prompt, outputs, answer.region_id)
        ]
        if not regions:
            return self._nothing(request, "the model found no object there that it is sure of: click elsewhere")
        mask_s = time.perf_counter() - started_s
        self.metrics.click(was_known=picture.was_known, fetch_s=picture.fetch_s, embed_s=picture.embed_s, mask_s=mask_s)
        log_event(
            "predict",
            task=request.tasks[0].id,
            points=sum(len(answer.prompts.points_xy) for _, answer in answers),
            box=any(answer.prompts.box_xyxy is not None for _, answer in answers),
            score=regions[0]["score"],
            refined=any(answer.is_refined for _, answer in answers),
            fetch_ms=round(1000 * picture.fetch_s),
            embed_ms=round(1000 * picture.embed_s),
            mask_ms=round(1000 * mask_s),
        )
        result = task_result(regions, picture.predictor.version)
        self.on_answer(
            AnsweredClick(
                project=request.project,
                task=task.id,
                objects=tuple(_clicked(prompt, answer) for prompt, answer in answers),
                regions=regions,
                model_version=picture.predictor.version,
                at_s=time.time(),
            )
        )
        return result

    def _check_size(self, prompt: SmartPrompt) -> None:
        height, width = prompt.original_hw or (1, 1)
        if height * width > self.max_pixels:
            raise RequestError(
                f"a mask of {width} x {height} has more than the {self.max_pixels / 1e6:g} megapixels allowed: "
                "raise SAM_MAX_MEGAPIXELS or use smaller pictures"
            )


def _clicked(prompt: SmartPrompt, answer: ObjectAnswer) -> ClickedObject:
    return ClickedObject(
        region_id=answer.region_id,
        label=prompt.label,
        n_prompts=answer.n_prompts,
        prompt_ids=prompt.item_ids,
        drawn=zlib.crc32(repr((prompt.points, prompt.rectangle)).encode()),
        is_refined=answer.is_refined,
    )


def _place_of(items: Sequence[dict[str, Any]]) -> str | None:
    names = [name for item in items if isinstance(name := item.get("to_name"), str)]
    return names[-1] if names else None
