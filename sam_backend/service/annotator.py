"""The path of a click: request -> picture -> embedding -> mask -> region."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from sam_backend.errors import RequestError
from sam_backend.label_studio.download import shown_url
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.labeling_config import Control
from sam_backend.label_studio.picture_cache import FetchedPicture
from sam_backend.label_studio.request import PredictRequest, Task
from sam_backend.label_studio.response import NOTHING, brush_region, task_result
from sam_backend.label_studio.smart_prompt import SmartPrompt, parse_smart_prompt
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.picture import decode_picture
from sam_backend.predict.predictor import Predictor
from sam_backend.service.event_log import log_event
from sam_backend.service.model_loader import ModelLoader
from sam_backend.service.setup_memory import SetupMemory
from sam_backend.types import MaskPrediction, Prompts

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

        Raises:
            SamBackendError: of the kind that says what to do.
        """
        if request.prompt_items is None:
            return []  # nothing is stored for it, and Label Studio asks again when the task is opened again
        task = request.tasks[0]
        prompt = parse_smart_prompt(request.prompt_items)
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
        started_s = time.perf_counter()
        self._check_size(prompt)
        predictor = self.model.wait(_WAIT_FOR_MODEL_S)
        picture = self.image_source.fetch(uri, self.setups.host_of(request.project), task.id)
        fetched_s = time.perf_counter()
        embedding = self._embed(predictor, picture, shown_url(uri))
        embedded_s = time.perf_counter()
        prompts = prompt.to_prompts(embedding.image_hw)
        if prompts is None:
            return self._nothing(task, "the prompts name no object: no positive click, no rectangle with an area")
        prediction = predictor.segment(embedding, prompts, multimask=_is_ambiguous(prompts))
        regions = [_best_region(prediction, prompt, output)]
        log_event(
            "predict",
            task=task.id,
            points=len(prompts.points_xy),
            box=prompts.box_xyxy is not None,
            score=regions[0]["score"],
            fetch_ms=round(1000 * (fetched_s - started_s)),
            embed_ms=round(1000 * (embedded_s - fetched_s)),
            mask_ms=round(1000 * (time.perf_counter() - embedded_s)),
        )
        return [task_result(regions, predictor.version)]

    def _check_size(self, prompt: SmartPrompt) -> None:
        height, width = prompt.original_hw or (1, 1)
        if height * width > self.max_pixels:
            raise RequestError(
                f"a mask of {width} x {height} has more than the {self.max_pixels / 1e6:g} megapixels allowed: "
                "raise SAM_MAX_MEGAPIXELS or use smaller pictures"
            )

    def _embed(self, predictor: Predictor, picture: FetchedPicture, name: str) -> Embedding:
        """By content, not by address: a picture that is replaced under its address is encoded anew."""
        key = (predictor.version, picture.sha256)
        return self.embeddings.get_or_make(
            key, lambda: predictor.embed(decode_picture(picture.data, name=name, max_pixels=self.max_pixels))
        )


def _is_ambiguous(prompts: Prompts) -> bool:
    """One click may mean the whole, a part or a sub-part; the paper's section 3 takes the best of three then."""
    return len(prompts.points_xy) == 1 and prompts.box_xyxy is None


def _best_region(prediction: MaskPrediction, prompt: SmartPrompt, output: Control) -> dict[str, Any]:
    best = prediction.best
    return brush_region(prediction.masks[best], float(prediction.predicted_iou[best]), prompt, output)
