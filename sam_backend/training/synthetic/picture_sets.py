"""Generated pictures to measure with: picture i is always the same, because its seed is i."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from sam_backend.errors import DatasetError
from sam_backend.training.sample import LabelledPicture
from sam_backend.training.synthetic import pasted, scenes
from sam_backend.training.synthetic.finish import finished
from sam_backend.training.synthetic.layers import Canvas

EVALUATION_HW = (768, 1024)

FIRST_SEED = 1_000_000_000
"""Far from the seeds that training starts from."""


class _SeededPictures(ABC):
    """A picture set whose names are numbers; each picture is painted when it is read."""

    def __init__(self, n_pictures: int, size_hw: tuple[int, int], negative_share: float) -> None:
        if n_pictures < 1:
            raise DatasetError(f"{n_pictures} generated pictures were asked for: ask for at least 1")
        self._numbers = {f"{number:04d}": number for number in range(n_pictures)}
        self._size_hw = size_hw
        self._negative_share = negative_share

    @property
    def names(self) -> list[str]:
        """``0000`` and on."""
        return list(self._numbers)

    def read(self, name: str) -> LabelledPicture:
        """Paint a picture again, with all of its objects that are visible.

        Raises:
            DatasetError: no picture has that name.
        """
        if name not in self._numbers:
            raise DatasetError(f"there is no generated picture {name!r}: wanted 0000 to {self.names[-1]}")
        rng = np.random.default_rng(FIRST_SEED + self._numbers[name])
        while True:
            canvas = self._paint(rng, *self._size_hw)
            visible = canvas.visible_numbers()
            if len(visible):
                image = finished(canvas.picture, rng, self._negative_share)
                return LabelledPicture(image=image, masks=canvas.masks(visible))

    @abstractmethod
    def _paint(self, rng: np.random.Generator, height: int, width: int) -> Canvas: ...


class ScenePictures(_SeededPictures):
    """Scene i is drawn from seed i."""

    def __init__(self, n_pictures: int, size_hw: tuple[int, int] = EVALUATION_HW) -> None:
        """Name the pictures.

        Raises:
            DatasetError: fewer than one picture.
        """
        super().__init__(n_pictures, size_hw, scenes.NEGATIVE_SHARE)

    def _paint(self, rng: np.random.Generator, height: int, width: int) -> Canvas:
        return scenes.paint_scene(rng, height, width)


class PastedPictures(_SeededPictures):
    """Picture i is pasted from seed i, of held-out objects on held-out backgrounds only."""

    def __init__(self, folder: Path, n_pictures: int, size_hw: tuple[int, int] = EVALUATION_HW) -> None:
        """Open a folder that ``fetch`` has prepared.

        Raises:
            DatasetError: there is no index, nothing in it is held out, or fewer than one picture is wanted.
        """
        super().__init__(n_pictures, size_hw, pasted.NEGATIVE_SHARE)
        self._objects = pasted.PastedObjects(folder, held_out=True)

    def _paint(self, rng: np.random.Generator, height: int, width: int) -> Canvas:
        return self._objects.paint(rng, height, width)
