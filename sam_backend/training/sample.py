"""Labelled pictures as they are stored, and samples as the trainer sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class ObjectMasks(Protocol):
    """The masks of one picture's objects, made one at a time: all those of a large picture may not fit in memory.

    An array (n, h, w) is one.
    """

    def __len__(self) -> int:
        """How many objects there are."""
        ...

    def __getitem__(self, index: int, /) -> NDArray[np.bool_]:
        """One object's mask (h, w)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPicture:
    """A picture and its objects, as a data set holds them."""

    image: NDArray[np.uint8]
    """(h, w, 3) RGB."""

    masks: ObjectMasks
    """Each (h, w) in image px. There may be none, and some may be empty."""


class PictureSet(Protocol):
    """A data set: labelled pictures that are read by their names, in any order, as often as wanted."""

    @property
    def names(self) -> Sequence[str]:
        """Of every picture, in a fixed order; never empty."""
        ...

    def read(self, name: str) -> LabelledPicture:
        """Read one picture with its objects.

        Raises:
            DatasetError: its labels are missing or damaged.
            ImageError: the picture can't be read.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A picture, or a window of one, at the scale in which the network sees it: one pixel is one model px."""

    image: NDArray[np.uint8]
    """(h, w, 3) RGB."""

    masks: NDArray[np.bool_]
    """(n, h, w), n >= 1, none of them empty."""


class SampleSource(Protocol):
    """Anything that can be drawn from."""

    def draw(self, rng: np.random.Generator, window_px: int, max_masks: int) -> Sample:
        """A random sample, no side over ``window_px``, with at most ``max_masks`` of its objects."""
        ...


def mask_box_xyxy(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The half-open box (4,) around a mask (h, w) that isn't empty, in image px."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)


def all_masks(masks: ObjectMasks) -> list[NDArray[np.bool_]]:
    """Every mask of a picture, in order."""
    return [masks[index] for index in range(len(masks))]
