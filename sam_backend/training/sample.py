"""One picture with the masks of its objects, and how it varies from draw to draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A picture and objects to learn from it."""

    image: NDArray[np.uint8]
    """(h, w, 3) RGB."""

    masks: NDArray[np.bool_]
    """(n, h, w), n >= 1, none of them empty."""


class SampleSource(Protocol):
    """Anything that can be drawn from."""

    def draw(self, rng: np.random.Generator, max_masks: int) -> Sample:
        """A random picture with at most ``max_masks`` of its objects."""
        ...


def mask_box_xyxy(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The half-open box (4,) around a mask (h, w) that isn't empty, in image px."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
