"""Where the trainer's lessons come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import DatasetError
from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.sam import Sam
from sam_backend.training.lesson import Lesson, make_lesson
from sam_backend.training.sample import SampleSource
from sam_backend.training.training_settings import WindowPlan


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLesson:
    """A lesson and, where its picture has been encoded before, its features."""

    lesson: Lesson
    features: ImageFeatures | None = None


class LessonSource(Protocol):
    """Anything that lessons can be drawn from."""

    def draw(self, rng: np.random.Generator, step_rng: np.random.Generator | None = None) -> DrawnLesson:
        """A random picture's lesson, with at least one object.

        Args:
            rng: this picture's chance.
            step_rng: the chance that all pictures of a step share; left out, each goes its own way.

        Raises:
            DatasetError: there is none.
        """
        ...


class WindowLessons:
    """Lessons of windows: a source, a size of window, a sample, and a place in the network's square, all at random."""

    def __init__(
        self, network: Sam, sources: Sequence[tuple[SampleSource, float]], windows: Sequence[WindowPlan]
    ) -> None:
        """Remember where samples come from.

        Args:
            network: that will learn.
            sources: with the share of each.
            windows: with the share of each.

        Raises:
            DatasetError: there is no source, or the encoder doesn't take windows of these sizes.
        """
        if not sources:
            raise DatasetError("there is nothing to learn from: name a data set or use generated scenes")
        self._image_size, self._grid_size = network.image_size, network.image_encoder.grid_size
        if not network.image_encoder.takes_windows and {one.side_px for one in windows} != {self._image_size}:
            raise DatasetError(
                f"this encoder sees whole squares of {self._image_size} px only: train it on windows of that size"
            )
        self._sources = [source for source, _ in sources]
        self._source_shares = _shares([share for _, share in sources])
        self._windows = list(windows)
        self._window_shares = _shares([one.share for one in windows])

    def draw(self, rng: np.random.Generator, step_rng: np.random.Generator | None = None) -> DrawnLesson:
        """See `LessonSource`. All pictures of a step have windows of one size."""
        window = self._windows[(step_rng or rng).choice(len(self._windows), p=self._window_shares)]
        while True:
            source = self._sources[rng.choice(len(self._sources), p=self._source_shares)]
            sample = source.draw(rng, window.side_px, window.max_masks)
            lesson = make_lesson(sample, window.side_px, self._random_origin_xy(window.side_px, rng))
            if len(lesson.target):
                return DrawnLesson(lesson)

    def _random_origin_xy(self, window_px: int, rng: np.random.Generator) -> tuple[int, int]:
        n_places = self._grid_size - window_px * self._grid_size // self._image_size + 1
        left, top = rng.integers(n_places, size=2).tolist()
        return left, top


def _shares(weights: Sequence[float]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.array(weights, np.float64) / sum(weights)
    return shares
