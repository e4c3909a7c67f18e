"""Pictures with one instance-label PNG each: ``images/NAME.jpg``, of any ending, and ``labels/NAME.png``."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam_backend.errors import DatasetError
from sam_backend.masks.png import PILLOW_ERRORS
from sam_backend.predict.picture import read_picture
from sam_backend.training.data.picture_folder import pictures_by_stem
from sam_backend.training.data.stored import SkippedItems
from sam_backend.training.sample import LabelledPicture


def held_out_nuclei() -> frozenset[str]:
    """Names of the BBBC038v1 pictures never trained on; see ``benchmarks/make_nuclei_split.py``."""
    text = resources.files("sam_backend.training").joinpath("splits/nuclei_held_out.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


class LabelFolder:
    """A folder of pictures and instance labels (0 = background), named as their files without ending."""

    def __init__(self, folder: Path) -> None:
        """List the folder. Pictures without labels are left out.

        Args:
            folder: holds ``images`` and ``labels``.

        Raises:
            DatasetError: no picture with labels is in it.
        """
        self.skipped = SkippedItems()
        self._labels = {path.stem: path for path in sorted((folder / "labels").glob("*.png"))}
        self._images = pictures_by_stem(folder / "images")
        for name in self._labels.keys() - self._images.keys():
            self.skipped.add(f"labels/{name}.png", f"there is no images/{name} of any ending: put it there")
        self.names = [name for name in self._labels if name in self._images]
        if not self.names:
            raise DatasetError(f"{folder} holds no pictures to use: wanted images/NAME.jpg with labels/NAME.png")

    def read(self, name: str) -> LabelledPicture:
        """Read one picture.

        Raises:
            DatasetError: picture and labels differ in size, or the labels can't be read.
            ImageError: the picture can't be read.
        """
        image = read_picture(self._images[name])
        labels = _read_labels(self._labels[name])
        if labels.shape != image.shape[:2]:
            raise DatasetError(f"{name} has labels of shape {labels.shape} for a picture of shape {image.shape[:2]}")
        return LabelledPicture(image=image, masks=LabelMasks(labels))


def _read_labels(path: Path) -> NDArray[np.int32]:
    try:
        with Image.open(path) as file:
            return np.asarray(file).astype(np.int32)
    except PILLOW_ERRORS as error:
        reason = str(error) or type(error).__name__
        raise DatasetError(f"the labels of {path.stem} can't be read ({reason}): make them again") from None


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
