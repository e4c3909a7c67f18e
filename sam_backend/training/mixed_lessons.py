"""Lessons from several places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sam_backend.errors import DatasetError
from sam_backend.training.lessons import DrawnLesson, LessonSource


class MixedLessons:
    """Draws from one of several sources, each with its share."""

    def __init__(self, sources: Sequence[tuple[LessonSource, float]]) -> None:
        """Remember the sources.

        Raises:
            DatasetError: there is none.
        """
        if not sources:
            raise DatasetError("there is nothing to learn from: name a data set")
        self._sources = [source for source, _ in sources]
        self._shares = np.array([share for _, share in sources]) / sum(share for _, share in sources)

    def draw(self, rng: np.random.Generator, step_rng: np.random.Generator | None = None) -> DrawnLesson:
        """See `LessonSource`."""
        return self._sources[rng.choice(len(self._sources), p=self._shares)].draw(rng, step_rng)
