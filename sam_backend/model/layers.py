"""Small layers that several parts of the network share."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn


class LayerNorm2d(nn.Module):
    """Layer norm over the channels of (b, c, h, w), each position by itself."""

    def __init__(self, n_channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_channels))
        self.bias = nn.Parameter(torch.zeros(n_channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; the shape (b, c, h, w) stays."""
        return self.over_last(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def over_last(self, x: Tensor) -> Tensor:
        """Normalise (..., c)."""
        return nn.functional.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


def embedding_neck(width: int, out_width: int) -> nn.Sequential:
    """The convolutions from a transformer's last features (b, width, g, g) to the embedding (b, out_width, g, g)."""
    return nn.Sequential(
        nn.Conv2d(width, out_width, kernel_size=1, bias=False),
        LayerNorm2d(out_width),
        nn.Conv2d(out_width, out_width, kernel_size=3, padding=1, bias=False),
        LayerNorm2d(out_width),
    )


class TransformerMlp(nn.Module):
    """The feed-forward half of a transformer block: widen, activate, narrow."""

    def __init__(self, width: int, hidden_width: int, activation: nn.Module) -> None:
        super().__init__()
        self.lin1 = nn.Linear(width, hidden_width)
        self.lin2 = nn.Linear(hidden_width, width)
        self.act = activation

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to (..., width)."""
        out: Tensor = self.lin2(self.act(self.lin1(x)))
        return out


class Mlp(nn.Module):
    """Linear layers with ReLU between them, none after the last."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(n_in, n_out) for n_in, n_out in itertools.pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., widths[0]) to (..., widths[-1])."""
        *hidden, last = self.layers
        for layer in hidden:
            x = torch.relu(layer(x))
        out: Tensor = last(x)
        return out
