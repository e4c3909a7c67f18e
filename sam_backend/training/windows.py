"""Random windows of stored pictures, at random scales: what turns a data set into endless samples."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam_backend.errors import DatasetError, ImageError
from sam_backend.training.augment import random_light, random_turn
from sam_backend.training.sample import LabelledPicture, PictureSet, Sample

SMALLEST_OBJECT_PX = 16
"""Pieces of fewer model px, mostly slivers at a window's edge, teach nothing."""

SMALLEST_VISIBLE_SHARE = 0.1
"""Nor does a piece that shows less than this of its object."""

LARGEST_MASK_SHARE = 0.9
"""Masks over this share of the picture are dropped (paper, appendix A)."""

_LOG = logging.getLogger(__name__)


class WindowSource:
    """Windows of a data set's pictures around their objects. A damaged picture is named once, skipped and counted."""

    def __init__(self, pictures: PictureSet, model_size: int, zoom_range: tuple[float, float] = (0.5, 1.5)) -> None:
        """Remember the data set.

        Args:
            pictures: the data set.
            model_size: side of the network's square, in model px. At a zoom of 1 a picture's long side fills it.
            zoom_range: the least and the largest zoom; log-uniform between (large-scale jitter).
        """
        self._pictures = pictures
        self._names = list(pictures.names)
        self._model_size = model_size
        self._zoom_range = zoom_range
        self.skipped: dict[str, str] = {}
        """Damaged pictures by name, with what was wrong."""

    def draw(self, rng: np.random.Generator, window_px: int, max_masks: int) -> Sample:
        """A window of a random picture, turned and lit at random; drawn again while it shows no object.

        Raises:
            DatasetError: every picture is damaged or empty.
        """
        for _ in range(1000):
            picture = self._read(self._names[rng.integers(len(self._names))])
            if picture is None or not len(picture.masks):
                continue
            smallest, largest = self._zoom_range
            zoom = math.exp(rng.uniform(math.log(smallest), math.log(largest)))
            scale = zoom * self._model_size / max(picture.image.shape[:2])
            sample = cut_window(picture, _place_window(picture, window_px, scale, rng), max_masks, rng)
            if sample is not None:
                turned = random_turn(sample, rng)
                return Sample(image=random_light(turned.image, rng), masks=turned.masks)
        raise DatasetError(
            f"1000 draws showed no object: {len(self.skipped)} of {len(self._names)} pictures are damaged"
        )

    def _read(self, name: str) -> LabelledPicture | None:
        if name in self.skipped:
            return None
        try:
            return self._pictures.read(name)
        except (DatasetError, ImageError) as error:
            self.skipped[name] = str(error)
            _LOG.warning("skipped %s (%d so far): %s", name, len(self.skipped), error)
            return None


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture, in image px, and how large it is to become."""

    left: int
    top: int
    width: int
    height: int
    scale: float
    """Model px per image px."""


def _place_window(picture: LabelledPicture, window_px: int, scale: float, rng: np.random.Generator) -> Window:
    """A window that shows a random pixel of a random object (or a random pixel, if that object is empty)."""
    height, width = picture.image.shape[:2]
    inside_yx = np.argwhere(picture.masks[int(rng.integers(len(picture.masks)))])
    if len(inside_yx):
        y, x = inside_yx[rng.integers(len(inside_yx))]
    else:
        y, x = rng.integers(height), rng.integers(width)
    side = max(1, int(window_px / scale))
    left, top = (
        int(np.clip(at - rng.integers(side), 0, max(0, whole - side))) for at, whole in ((x, width), (y, height))
    )
    return Window(left, top, min(side, width), min(side, height), scale)


def cut_window(picture: LabelledPicture, window: Window, max_masks: int, rng: np.random.Generator) -> Sample | None:
    """Cut and resize; None if no object is to be seen. Objects are chosen at random where there are too many."""
    rows = slice(window.top, window.top + window.height)
    columns = slice(window.left, window.left + window.width)
    size_wh = (max(1, round(window.width * window.scale)), max(1, round(window.height * window.scale)))
    masks: list[NDArray[np.bool_]] = []
    for index in rng.permutation(len(picture.masks)):
        if len(masks) == max_masks:
            break
        whole = picture.masks[int(index)]
        part = whole[rows, columns]
        if part.sum() > max(0, SMALLEST_VISIBLE_SHARE * whole.sum()):
            resized = _resize_mask(part, size_wh)
            if SMALLEST_OBJECT_PX <= resized.sum() <= LARGEST_MASK_SHARE * resized.size:
                masks.append(resized)
    if not masks:
        return None
    image = Image.fromarray(picture.image[rows, columns]).resize(size_wh, Image.Resampling.BILINEAR)
    return Sample(image=np.asarray(image), masks=np.stack(masks))


def _resize_mask(mask: NDArray[np.bool_], size_wh: tuple[int, int]) -> NDArray[np.bool_]:
    """Resize by coverage; a pixel belongs to the object if half of it does."""
    coverage = Image.fromarray(mask.astype(np.uint8) * 255)
    resized: NDArray[np.bool_] = np.asarray(coverage.resize(size_wh, Image.Resampling.BILINEAR)) > 127
    return resized
