"""Cutting a grid of tokens into attention windows and putting it together again."""

from __future__ import annotations

import torch
from torch import Tensor


def to_windows(x: Tensor, window_size: int, filling: Tensor | None = None) -> Tensor:
    """Cut (b, h, w, c) into (b * n_windows, window, window, c), row by row of windows.

    Args:
        x: tokens.
        window_size: side of a window.
        filling: (c,), what fills the last row and column of windows; zeros by default. It takes part in the softmax
            like any token: the published weights were trained so.
    """
    b, h, w, c = x.shape
    below, beside = -h % window_size, -w % window_size
    filling = x.new_zeros(c) if filling is None else filling.to(x.dtype)
    if beside:
        x = torch.cat([x, filling.expand(b, h, beside, c)], dim=2)
    if below:
        x = torch.cat([x, filling.expand(b, below, w + beside, c)], dim=1)
    x = torch.unflatten(torch.unflatten(x, 2, (-1, window_size)), 1, (-1, window_size))
    return x.transpose(2, 3).flatten(0, 2)


def from_windows(windows: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    """Put (b * n_windows, window, window, c) together to (b, *grid_hw, c), without what filled it up."""
    height, width = grid_hw
    n_down, n_across = (-(-size // windows.shape[1]) for size in grid_hw)
    x = torch.unflatten(windows, 0, (-1, n_down, n_across)).transpose(2, 3)
    return x.flatten(3, 4).flatten(1, 2)[:, :height, :width]
