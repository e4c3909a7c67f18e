"""Painting one thing over another, and knowing afterwards what is seen of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SMALLEST_VISIBLE_PX = 16
LEAST_VISIBLE_SHARE = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Colours and their cover, to be laid on a picture."""

    colour: NDArray[np.float32]
    """(h, w, 3) RGB, 0 to 255."""

    alpha: NDArray[np.float32]
    """(h, w), 0 to 1."""

    left_px: int
    """Where it begins in the picture; negative where it sticks out."""

    top_px: int

    def area_px(self) -> int:
        """Pixels that it covers by more than half, inside the picture or not."""
        return int((self.alpha > 0.5).sum())


class Canvas:
    """A picture under construction, with the number of the topmost layer at each pixel."""

    def __init__(self, background: NDArray[np.float32]) -> None:
        self.picture = background
        """(h, w, 3) RGB, 0 to 255; painted on."""
        self.topmost = np.zeros(background.shape[:2], np.int16)
        """(h, w): 0 for the background, else the count of the layer."""
        self._areas_px: list[int] = []

    def paint(self, layer: Layer) -> None:
        """Lay something on top that is an object."""
        seen, part = self._overlap(layer)
        self._blend(seen, layer.colour[part], layer.alpha[part])
        self._areas_px.append(layer.area_px())
        self.topmost[seen][layer.alpha[part] > 0.5] = len(self._areas_px)

    def stain(self, layer: Layer) -> None:
        """Lay something on top that is no object, such as a shadow."""
        seen, part = self._overlap(layer)
        self._blend(seen, layer.colour[part], layer.alpha[part])

    def visible_masks(self) -> NDArray[np.bool_]:
        """(n, h, w): what is seen of each object of which enough is seen, from the lowest to the topmost."""
        seen_px = np.bincount(self.topmost.ravel(), minlength=len(self._areas_px) + 1)[1:]
        least_px = np.maximum(SMALLEST_VISIBLE_PX, LEAST_VISIBLE_SHARE * np.array(self._areas_px))
        numbers = 1 + np.flatnonzero(seen_px >= least_px)
        masks: NDArray[np.bool_] = self.topmost[None] == numbers[:, None, None]
        return masks

    def _overlap(self, layer: Layer) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Rows and columns that the layer meets, in the picture and in the layer."""
        pairs = [
            _overlap(start_px, size_px, limit_px)
            for start_px, size_px, limit_px in zip(
                (layer.top_px, layer.left_px), layer.alpha.shape, self.topmost.shape, strict=True
            )
        ]
        return (pairs[0][0], pairs[1][0]), (pairs[0][1], pairs[1][1])

    def _blend(self, seen: tuple[slice, slice], colour: NDArray[np.float32], alpha: NDArray[np.float32]) -> None:
        below = self.picture[seen]
        below += alpha[..., None] * (colour - below)


def _overlap(start_px: int, size_px: int, limit_px: int) -> tuple[slice, slice]:
    low, high = max(0, start_px), max(0, min(limit_px, start_px + size_px))
    low = min(low, high)
    return slice(low, high), slice(low - start_px, high - start_px)
