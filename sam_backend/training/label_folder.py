"""Pictures with one instance-label PNG each: ``images/NAME.png`` and ``labels/NAME.png`` (0 = background)."""

from __future__ import annotations

from collections.abc import Collection
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam_backend.errors import DatasetError
from sam_backend.predict.picture import read_picture
from sam_backend.training.augment import random_crop, random_light, random_turn
from sam_backend.training.sample import Sample

SMALLEST_OBJECT_PX = 16
"""Pieces of fewer pixels, mostly slivers at a crop's edge, teach nothing."""


def held_out_nuclei() -> frozenset[str]:
    """Names of the BBBC038v1 pictures never trained on; see ``benchmarks/make_nuclei_split.py``."""
    text = resources.files("sam_backend.training").joinpath("splits/nuclei_held_out.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


class LabelFolder:
    """A folder of pictures and instance labels."""

    def __init__(self, folder: Path, only: Collection[str] | None = None, without: Collection[str] = ()) -> None:
        """List the folder.

        Args:
            folder: holds ``images`` and ``labels``.
            only: names to keep, or all.
            without: names to leave out.

        Raises:
            DatasetError: no picture with labels is left.
        """
        names = sorted(path.stem for path in (folder / "labels").glob("*.png"))
        self.names = [name for name in names if (only is None or name in only) and name not in without]
        self._folder = folder
        if not self.names:
            raise DatasetError(f"{folder} holds no pictures to use: wanted images/NAME.png with labels/NAME.png")

    def read(self, name: str) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """The picture (h, w, 3) and its labels (h, w).

        Raises:
            DatasetError: the two differ in size, or the labels can't be read.
            ImageError: the picture can't be read.
        """
        image = read_picture(self._folder / "images" / f"{name}.png")
        try:
            with Image.open(self._folder / "labels" / f"{name}.png") as file:
                labels = np.asarray(file).astype(np.int32)
        except OSError as error:
            raise DatasetError(f"the labels of {name} can't be read ({error}): make them again") from None
        if labels.shape != image.shape[:2]:
            raise DatasetError(f"{name} has labels of shape {labels.shape} for a picture of shape {image.shape[:2]}")
        return image, labels

    def draw(self, rng: np.random.Generator, max_masks: int) -> Sample:
        """A random crop of a random picture; drawn again while it shows no object."""
        while True:
            image, labels = self.read(self.names[rng.integers(len(self.names))])
            image, labels = random_turn(*random_crop(image, labels, rng), rng)
            objects = object_masks(labels)
            if len(objects):
                chosen = rng.permutation(len(objects))[:max_masks]
                return Sample(image=random_light(image, rng), masks=objects[chosen])


def object_masks(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Every object of a label picture (h, w) as (n, h, w), but for specks."""
    ids, areas_px = np.unique(labels[labels > 0], return_counts=True)
    kept = ids[areas_px >= SMALLEST_OBJECT_PX]
    masks: NDArray[np.bool_] = labels[None] == kept[:, None, None]
    return masks
