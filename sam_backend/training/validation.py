"""How good a network is on held-out pictures, quick enough to be asked in the course of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam_backend.errors import DatasetError, ImageError
from sam_backend.model.sam import Sam
from sam_backend.predict.predictor import Predictor
from sam_backend.training.annotator import first_click
from sam_backend.training.data.stored import SkippedItems
from sam_backend.training.mask_iou import mask_iou
from sam_backend.training.picture_grid import GridCell, draw_grid
from sam_backend.training.prompted_iou import SMALLEST_OBJECT_PX
from sam_backend.training.sample import LabelledPicture, PictureSet, mask_box_xyxy
from sam_backend.types import Prompts


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Mean IoU over held-out objects, each counting once."""

    box_iou: float
    """Of the single mask of the true box."""

    click_iou: float
    """Of the mask trusted most for one click on the innermost pixel."""

    n_objects: int
    sheet: Image.Image
    """Some objects with their true and answered masks."""

    n_skipped: int = 0
    """Pictures that couldn't judge because they are damaged."""

    @property
    def mean_iou(self) -> float:
        """What the best weights of a run are chosen by."""
        return (self.box_iou + self.click_iou) / 2

    def __str__(self) -> str:
        """One line for people."""
        skipped = f"; pictures skipped as damaged: {self.n_skipped}" if self.n_skipped else ""
        return (
            f"mean IoU of {self.n_objects} held-out objects: "
            f"box {self.box_iou:.3f}, one click {self.click_iou:.3f}{skipped}"
        )


class Validator(Protocol):
    """Anything that judges a network."""

    def judge(self, network: Sam) -> Validation:
        """How good it is."""
        ...


class HeldOutPictures:
    """Judges by the same few held-out pictures each time. A damaged one is named once, skipped and counted."""

    def __init__(self, sets: Sequence[PictureSet], max_pictures: int = 16, max_objects_per_picture: int = 8) -> None:
        """Remember the pictures.

        Args:
            sets: the held-out parts of the data sets.
            max_pictures: of all sets together, in equal shares, spread over each.
            max_objects_per_picture: the first ones.
        """
        per_set = max(1, max_pictures // max(1, len(sets)))
        self._chosen = [(pictures, name) for pictures in sets for name in _spread(pictures.names, per_set)]
        self._max_objects_per_picture = max_objects_per_picture
        self.skipped = SkippedItems()
        """Damaged pictures met so far."""

    def require_objects(self) -> None:
        """Find out before a run whether it can be judged: pictures are read until one shows an object.

        Raises:
            DatasetError: none does.
        """
        for pictures, name in self._chosen:
            try:
                if self._first_objects(pictures.read(name)):
                    return
            except (DatasetError, ImageError) as error:
                self.skipped.add(name, error)
        raise self._nothing_to_judge_by()

    def judge(self, network: Sam) -> Validation:
        """Answer a box and a click for each object.

        Raises:
            DatasetError: the pictures show no object, or all are damaged.
        """
        predictor = Predictor(network, "in training", "in training", next(network.parameters()).device)
        judged: list[_Judged] = []
        n_skipped = 0
        for pictures, name in self._chosen:
            try:
                judged += self._judge(predictor, pictures.read(name))
            except (DatasetError, ImageError) as error:
                self.skipped.add(name, error)
                n_skipped += 1
        if not judged:
            raise self._nothing_to_judge_by()
        box_iou, click_iou = np.mean([(one.box_iou, one.click_iou) for one in judged], axis=0).tolist()
        sheet = draw_grid([one.cell for one in judged[:: max(1, len(judged) // 24)][:24]])
        return Validation(box_iou, click_iou, len(judged), sheet, n_skipped)

    def _nothing_to_judge_by(self) -> DatasetError:
        name, reason = next(iter(self.skipped.reasons.items()), ("", ""))
        damaged = f" ({len(self.skipped)} of {len(self._chosen)} are damaged, e.g. {name}: {reason})" if name else ""
        return DatasetError(
            f"the held-out pictures show no object to judge by{damaged}: hold out others, more of them, or none"
        )

    def _judge(self, predictor: Predictor, picture: LabelledPicture) -> list[_Judged]:
        truths = self._first_objects(picture)
        embedding = predictor.embed(picture.image)
        boxes = [Prompts.of(box_xyxy=mask_box_xyxy(truth).tolist()) for truth in truths]
        clicks = [Prompts.of(points=[first_click(truth)]) for truth in truths]
        by_box = predictor.segment_batch(embedding, boxes, multimask=False)
        by_click = predictor.segment_batch(embedding, clicks)
        return [
            _Judged(
                box_iou=mask_iou(from_box.masks[0], truth),
                click_iou=mask_iou(from_click.masks[from_click.best], truth),
                cell=GridCell(picture.image, truth, from_click.masks[from_click.best], "click", click),
            )
            for truth, click, from_box, from_click in zip(truths, clicks, by_box, by_click, strict=True)
        ]

    def _first_objects(self, picture: LabelledPicture) -> list[NDArray[np.bool_]]:
        truths: list[NDArray[np.bool_]] = []
        for index in range(len(picture.masks)):
            truth = picture.masks[index]
            if len(truths) < self._max_objects_per_picture and truth.sum() >= SMALLEST_OBJECT_PX:
                truths.append(truth)
        return truths


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """One object."""

    box_iou: float
    click_iou: float
    cell: GridCell


def _spread(names: Sequence[str], n: int) -> list[str]:
    """At most n names, evenly spread."""
    return [names[index] for index in np.unique(np.linspace(0, len(names) - 1, n).round().astype(int))]
