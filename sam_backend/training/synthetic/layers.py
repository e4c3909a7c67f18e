"""Painting one thing over another, and knowing afterwards what is seen of each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SMALLEST_VISIBLE_PX = 16
LEAST_VISIBLE_SHARE = 0.2

LARGER_OFTENER = 0.3
"""Power of a thing's visible area that weighs how often it is drawn: 4 times as often at 100 times the area."""

Window = tuple[slice, slice]
"""Rows and columns."""


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

    def recoloured(self, colour: NDArray[np.float32]) -> Layer:
        """The same cover in other colours (h, w, 3)."""
        return replace(self, colour=colour)

    def moved(self, right_px: int, down_px: int) -> Layer:
        """The same further right and down."""
        return replace(self, left_px=self.left_px + right_px, top_px=self.top_px + down_px)

    def covering(self, alpha: NDArray[np.float32]) -> Layer:
        """The same colours with another cover (h, w)."""
        return replace(self, alpha=alpha)


class Canvas:
    """A picture under construction that knows the topmost thing at each pixel.

    Things are numbered from 1 as they are painted. A part belongs to a whole that was painted before it; what is seen
    of the part is seen of the whole too.
    """

    def __init__(self, background: NDArray[np.float32]) -> None:
        self.picture = background
        """(h, w, 3) RGB, 0 to 255; painted on."""
        self.topmost = np.zeros(background.shape[:2], np.int16)
        """(h, w): the number of a thing, 0 for the background."""
        self._wholes: list[int] = [0]
        self._areas_px: list[int] = [0]

    def paint(self, layer: Layer, part_of: int = 0) -> int:
        """Lay a thing on top.

        Args:
            layer: the cover of a part must lie within that of its whole.
            part_of: the number of the whole; 0 if the thing is one itself.

        Returns:
            Its number.
        """
        seen, part = self.stain(layer)
        solid = layer.alpha > 0.5
        number = self._count_in(part_of, int(solid.sum()))
        self.topmost[seen][solid[part]] = number
        return number

    def stain(self, layer: Layer) -> tuple[Window, Window]:
        """Lay something on top that is no thing of its own, such as a shadow.

        Returns:
            Where the two meet: in the picture, and in the layer.
        """
        seen, part = self._overlap(layer)
        below = self.picture[seen]
        below += layer.alpha[part][..., None] * (layer.colour[part] - below)
        return seen, part

    def paint_mosaic(self, tiles: NDArray[np.int64], colour: NDArray[np.float32], parts_of: int | None = None) -> int:
        """Lay many things on top that don't cover each other.

        Args:
            tiles: (h, w): 1 and on where the things are, 0 between them.
            colour: (h, w, 3) RGB, 0 to 255.
            parts_of: None if tiles are wholes; else what this returned for their wholes, tile by tile.

        Returns:
            What to add to a tile to get its number.
        """
        offset = len(self._wholes) - 1
        areas_px = np.bincount(tiles.ravel())
        for tile, area_px in enumerate(areas_px[1:], start=1):
            self._count_in(0 if parts_of is None else parts_of + tile, int(area_px))
        covered = tiles > 0
        self.picture[covered] = colour[covered]
        self.topmost[covered] = (tiles[covered] + offset).astype(np.int16)
        return offset

    def visible_numbers(self) -> NDArray[np.int64]:
        """(n,): the things of which enough is seen, from the lowest to the topmost."""
        least_px = np.maximum(SMALLEST_VISIBLE_PX, LEAST_VISIBLE_SHARE * np.array(self._areas_px))
        return np.flatnonzero(self._seen_px() >= least_px)

    def draw_visible(self, rng: np.random.Generator, n_most: int) -> NDArray[np.int64]:
        """(n,), n <= ``n_most``: random ones of them, large ones more often, or a crowd's many would be all."""
        numbers = self.visible_numbers()
        weights = self._seen_px()[numbers] ** LARGER_OFTENER
        if len(numbers) == 0:
            return numbers
        return rng.choice(numbers, min(n_most, len(numbers)), replace=False, p=weights / weights.sum())

    def masks(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(n, h, w): what is seen of things and of their parts."""
        belongs = np.zeros((len(numbers), len(self._wholes)), np.bool_)
        belongs[np.arange(len(numbers)), numbers] = True
        for number, whole in enumerate(self._wholes):
            belongs[:, number] |= belongs[:, whole]
        masks = np.empty((len(numbers), *self.topmost.shape), np.bool_)
        for mask, row in zip(masks, belongs, strict=True):
            np.take(row, self.topmost, out=mask)
        return masks

    def _seen_px(self) -> NDArray[np.int64]:
        """(n + 1,): how many pixels show each thing or a part of it; 0 for the background."""
        seen_px = np.bincount(self.topmost.ravel(), minlength=len(self._wholes))
        for number in range(len(self._wholes) - 1, 0, -1):
            seen_px[self._wholes[number]] += seen_px[number]
        seen_px[0] = 0
        return seen_px

    def _count_in(self, part_of: int, area_px: int) -> int:
        self._wholes.append(part_of)
        self._areas_px.append(area_px)
        return len(self._wholes) - 1

    def _overlap(self, layer: Layer) -> tuple[Window, Window]:
        rows, columns = (
            _overlap(start_px, size_px, limit_px)
            for start_px, size_px, limit_px in zip(
                (layer.top_px, layer.left_px), layer.alpha.shape, self.topmost.shape, strict=True
            )
        )
        return (rows[0], columns[0]), (rows[1], columns[1])


def _overlap(start_px: int, size_px: int, limit_px: int) -> tuple[slice, slice]:
    low = min(max(0, start_px), limit_px)
    high = max(low, min(limit_px, start_px + size_px))
    return slice(low, high), slice(low - start_px, high - start_px)
