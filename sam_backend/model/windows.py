"""Cutting a grid of tokens into attention windows and putting it together again."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def to_windows(x: Tensor, window_size: int) -> Tensor:
    """Cut (b, g, g, c) into (b * n_windows, window, window, c), zeros filling the last row and column of windows.

    The zeros take part in the softmax like any token: the published weights were trained so.
    """
    b, g, _, c = x.shape
    pad = -g % window_size
    x = F.pad(x, (0, 0, 0, pad, 0, pad))
    n = (g + pad) // window_size
    x = x.view(b, n, window_size, n, window_size, c).transpose(2, 3)
    return x.reshape(b * n * n, window_size, window_size, c)


def from_windows(windows: Tensor, window_size: int, batch: int, grid_size: int) -> Tensor:
    """Put (b * n_windows, window, window, c) together to (b, g, g, c), without what filled it up."""
    n = -(-grid_size // window_size)
    x = windows.view(batch, n, n, window_size, window_size, -1).transpose(2, 3)
    x = x.reshape(batch, n * window_size, n * window_size, -1)
    return x[:, :grid_size, :grid_size]
