"""Two models on the same held-out objects with the same prompts: which one answers better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from sam_backend.errors import DatasetError
from sam_backend.predict.predictor import Predictor
from sam_backend.training.embedding_store import EmbeddingStore
from sam_backend.training.prompted_iou import BOX, CHUNK, CLICK, MODEL, SMALLEST_OBJECT_PX, Answer, Row, click_prompt
from sam_backend.training.prompted_iou import score_prompts as score
from sam_backend.training.sample import LabelledPicture, ObjectMasks

MOST_OBJECTS = 120
"""That are judged, spread over the pictures: more would take longer than the training."""

_THREE_CLICKS = Row(click_prompt(3), MODEL)


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean IoU over held-out objects, each counting once."""

    box: float
    """Of the single mask of the true box."""

    one_click: float
    """Of the mask trusted most for one click on the innermost pixel."""

    three_clicks: float

    @property
    def mean(self) -> float:
        """Of the three: what decides."""
        return (self.box + self.one_click + self.three_clicks) / 3

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.mean:.3f} (box {self.box:.3f}, 1 click {self.one_click:.3f}, 3 clicks {self.three_clicks:.3f})"

    def to_dict(self) -> dict[str, float]:
        """By name, without the mean."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class _HeldPicture:
    features: str
    """Their name in the store."""

    image_hw: tuple[int, int]
    masks: ObjectMasks
    indices: list[int]
    """Of the objects that are large enough to be counted."""


class HeldOutObjects:
    """Read once, then judged by as many models as wanted, so long as their image encoder is the store's."""

    def __init__(self, store: EmbeddingStore) -> None:
        """Begin without objects."""
        self._store = store
        self._pictures: list[_HeldPicture] = []

    @property
    def n_objects(self) -> int:
        """That would be judged if there were no limit."""
        return sum(len(picture.indices) for picture in self._pictures)

    def add(self, picture: LabelledPicture) -> int:
        """Encode a picture and keep its masks; the number of its objects that count.

        Raises:
            ImageError: it is no picture in RGB.
            StorageError: the disk is full or can't be written.
        """
        sizes = (np.count_nonzero(picture.masks[index]) for index in range(len(picture.masks)))
        indices = [index for index, size in enumerate(sizes) if size >= SMALLEST_OBJECT_PX]
        if indices:
            image_hw = (picture.image.shape[0], picture.image.shape[1])
            self._pictures.append(_HeldPicture(self._store.keep(picture.image), image_hw, picture.masks, indices))
        return len(indices)

    def judge(self, predictor: Predictor, on_picture: Callable[[int, int], None] = lambda done, of: None) -> Figures:
        """Answer a box, a click and three clicks for each object.

        Args:
            predictor: with the store's image encoder.
            on_picture: told how many pictures are done, and of how many.

        Raises:
            DatasetError: there are no objects.
        """
        answers: list[dict[Row, Answer]] = []
        most = max(1, MOST_OBJECTS // max(1, len(self._pictures)))
        for n_done, picture in enumerate(self._pictures):
            on_picture(n_done, len(self._pictures))
            answers += _answers(predictor, self._store, picture, _spread(picture.indices, most))
        if not answers:
            raise DatasetError("the held-out tasks show no object to judge by: draw objects in more tasks, and submit")
        box, one, three = ([answer[row].iou for answer in answers] for row in (BOX, CLICK, _THREE_CLICKS))
        return Figures(float(np.mean(box)), float(np.mean(one)), float(np.mean(three)))


def _answers(
    predictor: Predictor, store: EmbeddingStore, picture: _HeldPicture, indices: Sequence[int]
) -> list[dict[Row, Answer]]:
    embedding = predictor.recall(store.kept(picture.features), picture.image_hw)
    chunks = [indices[start : start + CHUNK] for start in range(0, len(indices), CHUNK)]
    return [
        answer for chunk in chunks for answer in score(predictor, embedding, [picture.masks[index] for index in chunk])
    ]


def _spread(indices: Sequence[int], most: int) -> list[int]:
    """At most so many of them, evenly spread."""
    places = np.unique(np.linspace(0, len(indices) - 1, min(most, len(indices))).round().astype(int))
    return [indices[place] for place in places]
