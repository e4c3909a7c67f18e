"""Lessons of pictures that were read and encoded once; what is kept of each fits in a few kilobytes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sam_backend.errors import DatasetError
from sam_backend.training.embedding_store import EmbeddingStore
from sam_backend.training.lesson import Lesson
from sam_backend.training.lessons import DrawnLesson
from sam_backend.training.sample import LabelledPicture
from sam_backend.training.stored_lessons import whole_picture_lesson

_STEPS = 255
"""A target is the share of a cell that an object covers, kept as one byte."""


@dataclass(frozen=True, slots=True, eq=False)
class _KeptPicture:
    features: str
    """Their name in the store."""

    targets: tuple[bytes, ...]
    """Of each object, packed."""

    box_xyxy: NDArray[np.float32]
    """(n, 4) in model px."""


class KeptLessons:
    """Whole pictures with their objects. An epoch reads no picture and decodes no annotation."""

    def __init__(self, store: EmbeddingStore, max_masks: int) -> None:
        """Begin without pictures.

        Args:
            store: of the features.
            max_masks: objects of a picture that are learnt at a time, chosen at random where there are more.
        """
        self._store = store
        self._max_masks = max_masks
        self._pictures: list[_KeptPicture] = []

    @property
    def n_objects(self) -> int:
        """Of all pictures."""
        return sum(len(picture.targets) for picture in self._pictures)

    def add(self, picture: LabelledPicture) -> int:
        """Encode a picture and keep what is learnt of it; the number of its objects that are large enough to be seen.

        Raises:
            ImageError: it is no picture in RGB.
            StorageError: the disk is full or can't be written.
        """
        lesson = whole_picture_lesson(
            picture, self._store.model_size, max(1, len(picture.masks)), np.random.default_rng(0)
        )
        if lesson is None:
            return 0
        targets = tuple(zlib.compress((target.numpy() * _STEPS).round().astype(np.uint8)) for target in lesson.target)
        self._side = lesson.target.shape[-1]
        self._pictures.append(_KeptPicture(self._store.keep(picture.image), targets, lesson.box_xyxy.numpy()))
        return len(targets)

    def draw(self, rng: np.random.Generator, step_rng: np.random.Generator | None = None) -> DrawnLesson:
        """The lesson of a random picture.

        Raises:
            DatasetError: there is none.
            StorageError: its features were deleted since.
        """
        if not self._pictures:
            raise DatasetError("no picture shows an object to learn from: draw objects, and submit")
        picture = self._pictures[int(rng.integers(len(self._pictures)))]
        chosen = rng.permutation(len(picture.targets))[: self._max_masks]
        target = np.stack([self._target(picture.targets[int(index)]) for index in chosen])
        lesson = Lesson(
            rgb=torch.zeros(1, 3, 0, 0),
            target=torch.from_numpy(target),
            box_xyxy=torch.from_numpy(picture.box_xyxy[chosen]),
        )
        return DrawnLesson(lesson, self._store.kept(picture.features))

    def _target(self, packed: bytes) -> NDArray[np.float32]:
        cells = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(self._side, self._side)
        return cells.astype(np.float32) / np.float32(_STEPS)
