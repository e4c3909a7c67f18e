"""Mean IoU of masks prompted by the true box or one click, beside the filled box and the inscribed ellipse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from sam_backend.evaluation.baselines import filled_box, inscribed_ellipse
from sam_backend.predict.predictor import Predictor
from sam_backend.training.sample import LabelledPicture, all_masks, mask_box_xyxy
from sam_backend.types import Prompts


@dataclass(frozen=True, slots=True)
class Scores:
    """IoU of one object, or the mean over many."""

    box: float
    """The single mask of the true box."""

    click: float
    """The mask trusted most for one click at the object's innermost pixel."""

    click_best_of_three: float
    """The best of its three masks, as if someone chose."""

    filled_box: float
    inscribed_ellipse: float


SMALLEST_OBJECT_PX = 16
"""Specks of fewer pixels of the original picture aren't counted."""


def score_objects(predictor: Predictor, pictures: Iterable[LabelledPicture]) -> list[Scores]:
    """Score every object of every picture."""
    return [score for picture in pictures for score in _score_picture(predictor, picture)]


def mean_scores(scores: list[Scores]) -> Scores:
    """The mean over objects, each counting once."""
    return Scores(
        **{field.name: float(np.mean([getattr(one, field.name) for one in scores])) for field in fields(Scores)}
    )


def iou(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """IoU of two masks (h, w); 0 where both are empty."""
    return float((mask & truth).sum() / max(1, (mask | truth).sum()))


def innermost_pixel_xy(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """The centre of the pixel farthest from a mask's outside, in image px; the picture's edge counts as outside."""
    padded = np.pad(mask, 1)
    distance = np.asarray(distance_transform_edt(padded))
    row, column = np.unravel_index(int(np.argmax(distance)), padded.shape)
    return float(column) - 0.5, float(row) - 0.5  # the padding took one pixel, the centre gives half of one


def _score_picture(predictor: Predictor, picture: LabelledPicture) -> list[Scores]:
    embedding = predictor.embed(picture.image)
    truths = [mask for mask in all_masks(picture.masks) if mask.sum() >= SMALLEST_OBJECT_PX]
    boxes = [mask_box_xyxy(truth) for truth in truths]
    clicks = [Prompts.of(points=[(*innermost_pixel_xy(truth), True)]) for truth in truths]
    by_box = predictor.segment_batch(embedding, [Prompts.of(box_xyxy=box.tolist()) for box in boxes], multimask=False)
    by_click = predictor.segment_batch(embedding, clicks, multimask=True)
    return [
        Scores(
            box=iou(from_box.masks[0], truth),
            click=iou(from_click.masks[from_click.best], truth),
            click_best_of_three=max(iou(mask, truth) for mask in from_click.masks),
            filled_box=iou(filled_box(box, truth.shape), truth),
            inscribed_ellipse=iou(inscribed_ellipse(box, truth.shape), truth),
        )
        for truth, box, from_box, from_click in zip(truths, boxes, by_box, by_click, strict=True)
    ]
