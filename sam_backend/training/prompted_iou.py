"""IoU of what a model answers to a box and to clicks: the columns of the evaluation, quick enough for the trainer too.

Protocol of the zero-shot experiments (paper, section 7.1 and appendix D.1): clicks come from the annotator without
chance; one click is answered by three masks, more than one prompt by the single mask; the logits of the mask trusted
go back with the next click.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.embedding import Embedding
from sam_backend.predict.predictor import Predictor
from sam_backend.training.annotator import Click, simulate_clicks
from sam_backend.training.mask_iou import mask_iou
from sam_backend.training.sample import LabelledPicture, mask_box_xyxy
from sam_backend.types import MaskPrediction, Prompts

CLICK_COUNTS = (1, 3, 5)
"""After how many clicks the mask is scored."""

SMALLEST_OBJECT_PX = 16
"""Specks of fewer pixels of the original picture aren't counted."""

CHUNK = 16
"""Objects answered at once: three full-size masks of each are held at a time."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: what was given, and who answered."""

    prompt: str
    """``box``, ``1 click``, ``3 clicks``, ... or ``no prompt``."""

    by: str
    """The model, a choice among its masks, or a tool's name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How good one mask of one object is."""

    iou: float
    """With the true mask."""

    predicted_iou: float | None = None
    """What its maker expected, if it says so; not clipped to 0..1."""


def click_prompt(n_clicks: int) -> str:
    """The name of a number of clicks."""
    return f"{n_clicks} click{'s' if n_clicks > 1 else ''}"


BOX_PROMPT, NO_PROMPT = "box", "no prompt"
MODEL = "model"
BOX = Row(BOX_PROMPT, MODEL)
BOX_MOST_TRUSTED = Row(BOX_PROMPT, "model, most trusted of three")
CLICK = Row(click_prompt(1), MODEL)
CLICK_BEST_OF_THREE = Row(click_prompt(1), "model, best of three (oracle)")


def score_picture(
    predictor: Predictor, picture: LabelledPicture, indices: Sequence[int] | None = None
) -> list[dict[Row, Answer]]:
    """Score the model on the objects of a picture; specks are left out.

    Args:
        predictor: any model.
        picture: with its true masks.
        indices: which of its objects, or all.
    """
    embedding = predictor.embed(picture.image)
    chosen = range(len(picture.masks)) if indices is None else indices
    chunks = [chosen[start : start + CHUNK] for start in range(0, len(chosen), CHUNK)]
    return [
        answers for chunk in chunks for answers in score_prompts(predictor, embedding, read_objects(picture, chunk))
    ]


def read_objects(picture: LabelledPicture, indices: Sequence[int]) -> list[NDArray[np.bool_]]:
    """The true masks (h, w) of these objects, without specks."""
    masks = (picture.masks[index] for index in indices)
    return [mask for mask in masks if np.count_nonzero(mask) >= SMALLEST_OBJECT_PX]


def score_prompts(
    predictor: Predictor, embedding: Embedding, truths: Sequence[NDArray[np.bool_]]
) -> list[dict[Row, Answer]]:
    """Score the model on some objects of one picture, all at once; memory grows with their number.

    Args:
        predictor: any model.
        embedding: of the picture, by this model.
        truths: each (h, w), none of them empty.

    Returns:
        One dictionary per object, each with the same rows in the same order.
    """
    by_box = _score_boxes(predictor, embedding, truths)
    by_clicks = _score_clicks(predictor, embedding, truths)
    return [from_box | from_clicks for from_box, from_clicks in zip(by_box, by_clicks, strict=True)]


def mean_iou(scores: Sequence[Mapping[Row, Answer]]) -> dict[Row, float]:
    """Each row's mean over objects, each counting once; empty without objects."""
    return {row: float(np.mean([one[row].iou for one in scores])) for row in (scores[0] if scores else ())}


def _score_boxes(
    predictor: Predictor, embedding: Embedding, truths: Sequence[NDArray[np.bool_]]
) -> list[dict[Row, Answer]]:
    prompts = [Prompts.of(box_xyxy=mask_box_xyxy(truth).tolist()) for truth in truths]
    answers: list[dict[Row, Answer]] = [{} for _ in truths]
    for row, multimask in ((BOX, False), (BOX_MOST_TRUSTED, True)):
        predictions = predictor.segment_batch(embedding, prompts, multimask)
        for answer, prediction, truth in zip(answers, predictions, truths, strict=True):
            answer[row] = _most_trusted(prediction, truth)
    return answers


def _score_clicks(
    predictor: Predictor, embedding: Embedding, truths: Sequence[NDArray[np.bool_]]
) -> list[dict[Row, Answer]]:
    model = _ClickedModel(predictor, embedding, truths)
    answers: list[dict[Row, Answer]] = [{} for _ in truths]
    for n_clicks, _ in enumerate(simulate_clicks(truths, model.answer, max(CLICK_COUNTS)), start=1):
        if n_clicks in CLICK_COUNTS:
            for index, answer in enumerate(answers):
                answer[Row(click_prompt(n_clicks), MODEL)] = model.trusted[index]
        if n_clicks == 1:
            for index, answer in enumerate(answers):
                answer[CLICK_BEST_OF_THREE] = model.best[index]
    return answers


class _ClickedModel:
    """A model that remembers, per object, the logits it answered last and how good they were."""

    def __init__(self, predictor: Predictor, embedding: Embedding, truths: Sequence[NDArray[np.bool_]]) -> None:
        self._predictor, self._embedding, self._truths = predictor, embedding, truths
        self._logits: dict[int, NDArray[np.float32]] = {}
        self.trusted: dict[int, Answer] = {}
        self.best: dict[int, Answer] = {}

    def answer(self, clicks: Mapping[int, Sequence[Click]]) -> dict[int, NDArray[np.bool_]]:
        """See `AnswerClicks`."""
        prompts = [Prompts.of(points=some, mask_logits=self._logits.get(index)) for index, some in clicks.items()]
        predictions = self._predictor.segment_batch(self._embedding, prompts, multimask=not self._logits)
        return {index: self._remember(index, prediction) for index, prediction in zip(clicks, predictions, strict=True)}

    def _remember(self, index: int, prediction: MaskPrediction) -> NDArray[np.bool_]:
        self._logits[index] = prediction.low_res_logits[prediction.best]
        self.trusted[index] = _most_trusted(prediction, self._truths[index])
        self.best[index] = Answer(max(mask_iou(mask, self._truths[index]) for mask in prediction.masks))
        trusted: NDArray[np.bool_] = prediction.masks[prediction.best]
        return trusted


def _most_trusted(prediction: MaskPrediction, truth: NDArray[np.bool_]) -> Answer:
    return Answer(
        iou=mask_iou(prediction.masks[prediction.best], truth),
        predicted_iou=float(prediction.predicted_iou[prediction.best]),
    )
