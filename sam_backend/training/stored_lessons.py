"""Lessons of whole pictures whose features come from an `EmbeddingStore`."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from sam_backend.errors import DatasetError, ImageError
from sam_backend.predict.frame import ImageFrame
from sam_backend.training.embedding_store import EmbeddingStore
from sam_backend.training.lesson import TARGET_CELL_PX, Lesson
from sam_backend.training.lessons import DrawnLesson
from sam_backend.training.sample import LabelledPicture, PictureSet, mask_box_xyxy
from sam_backend.training.windows import LARGEST_MASK_SHARE

_LOG = logging.getLogger(__name__)


class StoredLessons:
    """A data set as lessons, each of a whole picture at the network's size. Damaged pictures are skipped and named."""

    def __init__(self, pictures: PictureSet, store: EmbeddingStore, max_masks: int) -> None:
        """Remember the data set; nothing is read yet.

        Args:
            pictures: the data set.
            store: of the features.
            max_masks: objects of a picture that are learnt at a time, chosen at random where there are more.

        Raises:
            StorageError: the disk can't hold the features of all pictures.
        """
        self._pictures = pictures
        self._store = store
        self._max_masks = max_masks
        self.skipped: dict[str, str] = {}
        """Damaged pictures by name, with what was wrong."""
        store.check_room(len(pictures.names))

    def epoch(self, rng: np.random.Generator) -> Iterator[DrawnLesson]:
        """Every picture once, in random order, without those that show no object.

        Raises:
            DatasetError: no picture gave a lesson.
        """
        n_given = 0
        for index in rng.permutation(len(self._pictures.names)):
            lesson = self._lesson(self._pictures.names[int(index)], rng)
            if lesson is not None:
                n_given += 1
                yield lesson
        if not n_given:
            raise DatasetError(
                f"none of {len(self._pictures.names)} pictures shows an object; {len(self.skipped)} are damaged"
            )

    def draw(self, rng: np.random.Generator, step_rng: np.random.Generator | None = None) -> DrawnLesson:
        """The lesson of a random picture, for a loop that is resumed from the state of ``rng`` alone.

        Raises:
            DatasetError: 1000 pictures gave no lesson.
        """
        names = self._pictures.names
        for _ in range(1000):
            lesson = self._lesson(names[int(rng.integers(len(names)))], rng)
            if lesson is not None:
                return lesson
        raise DatasetError(f"1000 draws showed no object: {len(self.skipped)} of {len(names)} pictures are damaged")

    def _lesson(self, name: str, rng: np.random.Generator) -> DrawnLesson | None:
        if name in self.skipped:
            return None
        try:
            picture = self._pictures.read(name)
            lesson = whole_picture_lesson(picture, self._store.model_size, self._max_masks, rng)
            return None if lesson is None else DrawnLesson(lesson, self._store.features(picture.image))
        except (DatasetError, ImageError) as error:
            self.skipped[name] = str(error)
            _LOG.warning("skipped %s (%d so far): %s", name, len(self.skipped), error)
            return None


def whole_picture_lesson(
    picture: LabelledPicture, model_size: int, max_masks: int, rng: np.random.Generator
) -> Lesson | None:
    """A lesson of a picture as it lies in the network's square; None if no object is large enough to be seen.

    Objects over 90 % of the picture are left out (paper, appendix A), and those that fill no cell to the half.
    """
    frame = ImageFrame(image_hw=(picture.image.shape[0], picture.image.shape[1]), model_size=model_size)
    targets: list[NDArray[np.float32]] = []
    boxes: list[NDArray[np.float32]] = []
    for index in rng.permutation(len(picture.masks)):
        mask = picture.masks[int(index)]
        if len(targets) == max_masks:
            break
        if not mask.any() or mask.mean() > LARGEST_MASK_SHARE:
            continue
        target = frame.image_to_model_coverage(mask, TARGET_CELL_PX)
        if (target > 0.5).any():
            targets.append(target)
            boxes.append(frame.image_to_model_xyxy(mask_box_xyxy(mask)))
    if not targets:
        return None
    return Lesson(
        rgb=torch.zeros(1, 3, 0, 0),
        target=torch.from_numpy(np.stack(targets)),
        box_xyxy=torch.from_numpy(np.stack(boxes)),
    )
