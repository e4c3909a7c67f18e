"""Rings along the edges of pixels, filled again: the opposite of tracing them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def fill_rings(rings: Sequence[Sequence[Sequence[float]]], image_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Fill closed rings of [x, y] in image px by the even-odd rule: (h, w)."""
    flips = np.zeros((image_hw[0], image_hw[1] + 1), np.int64)
    for ring in rings:
        for (x, y), (next_x, next_y) in zip(ring, [*ring[1:], ring[0]], strict=True):
            assert x == next_x or y == next_y, "an edge runs along the pixels"
            flips[int(min(y, next_y)) : int(max(y, next_y)), int(x)] += 1
    return np.asarray(flips.cumsum(axis=1)[:, :-1] % 2 == 1)


def signed_area(ring: Sequence[Sequence[float]]) -> float:
    """Positive where it runs counter-clockwise, seen with y up."""
    x, y = np.array(ring).T
    return float(x @ np.roll(y, -1) - np.roll(x, -1) @ y) / 2


def n_pieces(mask: NDArray[np.bool_]) -> int:
    """Count the pieces of a mask; pixels that touch by a corner only belong to two."""
    left = set(map(tuple, np.argwhere(mask).tolist()))
    n_found = 0
    while left:
        n_found += 1
        border = [left.pop()]
        while border:
            row, column = border.pop()
            near = {(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)} & left
            left -= near
            border.extend(near)
    return n_found
