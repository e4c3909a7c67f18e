"""The grid of points that prompt a picture, and an order that spreads them from the first one on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def point_grid(n_per_side: int) -> NDArray[np.float64]:
    """The centres (n, 2) of ``n_per_side`` x ``n_per_side`` equal parts of the unit square: x, y, row by row."""
    half_step = 1 / (2 * n_per_side)
    centres = np.linspace(half_step, 1 - half_step, n_per_side)
    y, x = np.meshgrid(centres, centres, indexing="ij")
    return np.stack([x, y], axis=-1).reshape(-1, 2)


def layer_grids(n_per_side: int, n_layers: int, downscale_factor: int) -> tuple[NDArray[np.float64], ...]:
    """The grid of the picture itself and of each layer of crops, sparser by ``downscale_factor`` each time."""
    return tuple(point_grid(int(n_per_side / downscale_factor**layer)) for layer in range(n_layers + 1))


def spread_order(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices (n,) of points in the unit square, so that each next one falls where the earlier ones left most room.

    Quarters of the square take turns at every scale, opposite ones first: the first 4 points lie in 4 quarters, the
    first 16 in their 16 quarters and so on, as in a (0, 2)-sequence.
    """
    n_bits = max(1, math.ceil(math.log2(len(points)) / 2))  # enough to tell the points of a square grid apart
    x, y = np.floor(points.T * 2**n_bits).astype(np.int64).clip(0, 2**n_bits - 1)
    turn = np.zeros(len(points), np.int64)
    for bit in range(n_bits):  # the finest bit weighs most, so that the coarsest alternates fastest
        x_bit, y_bit = x >> bit & 1, y >> bit & 1
        turn = turn << 2 | (x_bit ^ y_bit) << 1 | y_bit
    return np.argsort(turn, kind="stable")
