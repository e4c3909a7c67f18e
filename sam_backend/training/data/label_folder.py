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
from sam_backend.training.sample import LabelledPicture


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

    def read(self, name: str) -> LabelledPicture:
        """Read one picture.

        Raises:
            DatasetError: picture and labels differ in size, or the labels can't be read.
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
        return LabelledPicture(image=image, masks=LabelMasks(labels))


class LabelMasks:
    """The objects of a label picture (h, w), 0 = background, in the order of their labels."""

    def __init__(self, labels: NDArray[np.integer]) -> None:
        self._labels = labels
        self._ids = np.unique(labels[labels > 0])

    def __len__(self) -> int:
        """How many objects there are."""
        return len(self._ids)

    def __getitem__(self, index: int) -> NDArray[np.bool_]:
        """One object's mask (h, w)."""
        mask: NDArray[np.bool_] = self._labels == self._ids[index]
        return mask
