"""The path of a click: request -> picture -> embedding -> mask -> region."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sam_backend.errors import RequestError, SamBackendError
from sam_backend.label_studio.command import HELP_TEXT, Command, TypedText, parse_typed_text, unknown_command
from sam_backend.label_studio.download import shown_url
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.messages import message_result
from sam_backend.label_studio.output import Output, outputs_of
from sam_backend.label_studio.request import PredictRequest
from sam_backend.label_studio.response import NOTHING, regions_of, task_result
from sam_backend.label_studio.smart_prompt import SmartPrompt, parse_smart_prompts
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.picture import decode_picture
from sam_backend.predict.predictor import Predictor
from sam_backend.service.event_log import log_event
from sam_backend.service.model_loader import ModelLoader
from sam_backend.service.setup_memory import SetupMemory
from sam_backend.types import Prompts

_WAIT_FOR_MODEL_S = 60.0  # Label Studio gives up after 100 s, and the picture has to be fetched and encoded too


@dataclass(frozen=True, slots=True)
class Annotator:
    """Answers ``/predict``; built once, used by many threads."""

    model: ModelLoader
    image_source: ImageSource
    embeddings: EmbeddingCache[Embedding]
    setups: SetupMemory
    max_pixels: int

    def answer(self, request: PredictRequest) -> list[dict[str, Any]]:
        """Make the list of ``results``: empty if nobody clicked, otherwise exactly one entry.

        What went wrong is told in the config's ``<TextArea>``; without one it is raised.

        Raises:
            SamBackendError: of the kind that says what to do.
        """
        if request.prompt_items is None:
            return []  # nothing is stored for it, and Label Studio asks again when the task is opened again
        prompts = parse_smart_prompts(request.prompt_items)
        typed = None if prompts else parse_typed_text(request.prompt_items, request.config)
        try:
            return [self._answer_text(request, typed) if typed else self._answer_prompts(request, prompts)]
        except SamBackendError as error:
            shown = message_result(str(error), request.config, _place_of(request.prompt_items))
            if shown is None:
                raise
            log_event("predict_failed", level=logging.WARNING, task=request.tasks[0].id, error=str(error))
            return [shown]

    def _answer_text(self, request: PredictRequest, typed: TypedText) -> dict[str, Any]:
        if typed.command is None and not typed.is_for_us:
            return NOTHING  # the annotator's own words
        texts = {None: unknown_command(typed.text), Command.HELP: HELP_TEXT}
        text = texts.get(typed.command, "there is no object to change yet: click one first")
        return message_result(text, request.config, typed.to_name) or NOTHING

    def _answer_prompts(self, request: PredictRequest, prompts: Sequence[SmartPrompt]) -> dict[str, Any]:
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
        return self._segment(request, prompts, outputs, request.tasks[0].picture_uri(data_key, picture.item_index))

    def _nothing(self, request: PredictRequest, reason: str) -> dict[str, Any]:
        log_event("predict_nothing", level=logging.WARNING, task=request.tasks[0].id, reason=reason)
        return message_result(reason, request.config, _place_of(request.prompt_items or ())) or NOTHING

    def _segment(
        self, request: PredictRequest, objects: Sequence[SmartPrompt], outputs: Sequence[Output], uri: str
    ) -> dict[str, Any]:
        started_s = time.perf_counter()
        self._check_size(objects[-1])
        predictor = self.model.wait(_WAIT_FOR_MODEL_S)
        data = self.image_source.fetch(uri, self.setups.host_of(request.project))
        fetched_s = time.perf_counter()
        embedding = self._embed(predictor, data, shown_url(uri))
        embedded_s = time.perf_counter()
        usable = [(prompt, prompts) for prompt in objects if (prompts := prompt.to_prompts(embedding.image_hw))]
        if not usable:
            return self._nothing(request, "the prompts name no object: no positive click, no rectangle with an area")
        regions = []
        for prompt, prompts in usable:
            wants_three = _is_ambiguous(prompts) and any(output.options.multimask for output in outputs)
            prediction = predictor.segment(embedding, prompts, multimask=wants_three)
            best = prediction.best
            regions += regions_of(prediction.masks[best], float(prediction.predicted_iou[best]), prompt, outputs)
        if not regions:
            return self._nothing(request, "the model found no object there that it is sure of: click elsewhere")
        log_event(
            "predict",
            task=request.tasks[0].id,
            points=sum(len(prompts.points_xy) for _, prompts in usable),
            box=any(prompts.box_xyxy is not None for _, prompts in usable),
            score=regions[0]["score"],
            fetch_ms=round(1000 * (fetched_s - started_s)),
            embed_ms=round(1000 * (embedded_s - fetched_s)),
            mask_ms=round(1000 * (time.perf_counter() - embedded_s)),
        )
        return task_result(regions, predictor.version)

    def _check_size(self, prompt: SmartPrompt) -> None:
        height, width = prompt.original_hw or (1, 1)
        if height * width > self.max_pixels:
            raise RequestError(
                f"a mask of {width} x {height} has more than the {self.max_pixels / 1e6:g} megapixels allowed: "
                "raise SAM_MAX_MEGAPIXELS or use smaller pictures"
            )

    def _embed(self, predictor: Predictor, data: bytes, name: str) -> Embedding:
        """By content, not by address: a picture that is replaced under its address is encoded anew."""
        key = (predictor.version, hashlib.sha256(data).digest())
        return self.embeddings.get_or_make(
            key, lambda: predictor.embed(decode_picture(data, name=name, max_pixels=self.max_pixels))
        )


def _is_ambiguous(prompts: Prompts) -> bool:
    """One click may mean the whole, a part or a sub-part; the paper's section 3 takes the best of three then."""
    return len(prompts.points_xy) == 1 and prompts.box_xyxy is None


def _place_of(items: Sequence[dict[str, Any]]) -> str | None:
    names = [name for item in items if isinstance(name := item.get("to_name"), str)]
    return names[-1] if names else None
