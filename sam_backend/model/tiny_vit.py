"""The TinyViT image encoder of MobileSAM (arXiv 2306.14289), with the names of its published weights.

TinyViT (arXiv 2207.10666) has four stages: inverted bottlenecks, then three of window attention with a depthwise
convolution between attention and feed-forward. In its SAM form the last stage keeps the grid of the third, so that
one cell covers 16 px as in the official encoders.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sam_backend.model.image_encoder import ImageEncoder, ImageFeatures
from sam_backend.model.layers import embedding_neck
from sam_backend.model.windows import from_windows, to_windows

WIDENING = 4
"""How much wider a bottleneck or feed-forward layer is inside."""


@dataclass(frozen=True, slots=True)
class TinyVitConfig:
    """The sizes of a TinyViT image encoder."""

    widths: tuple[int, int, int, int]
    """Channels of the four stages."""

    depths: tuple[int, int, int, int]
    """Blocks of the four stages."""

    n_heads: tuple[int, int, int]
    """Attention heads of the last three stages; the first doesn't attend."""

    window_sizes: tuple[int, int, int]
    """Sides of the attention windows of the last three stages, in cells."""

    image_size: int = 1024
    """Side of the input, in model px; no shape of a weight tells it."""

    out_width: int = 256


class TinyVitImageEncoder(ImageEncoder):
    """TinyViT with a convolutional neck; see `TinyVitConfig`."""

    def __init__(self, config: TinyVitConfig) -> None:
        super().__init__()
        self.image_size = config.image_size
        self.grid_size = config.image_size // 16
        self.patch_embed = _Stem(config.widths[0])
        # What follows a stage halves the grid, but for the last merging; nothing follows the last stage.
        merging_strides = (2, 2, 1)
        merges = [
            _Bottleneck(width, next_width, hidden_width=next_width, stride=stride)
            for (width, next_width), stride in zip(itertools.pairwise(config.widths), merging_strides, strict=True)
        ]
        self.layers = nn.ModuleList(
            _Stage(_blocks(config, index), merge) for index, merge in enumerate([*merges, None])
        )
        self.neck = embedding_neck(config.widths[3], config.out_width)

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Encode (b, 3, image_size, image_size) normalised pixels."""
        x = self.patch_embed(pixels)  # (b, widths[0], image_size / 4, image_size / 4)
        for stage in self.layers:
            x = stage(x)
        return ImageFeatures(coarse=self.neck(x))


def _blocks(config: TinyVitConfig, stage: int) -> list[nn.Module]:
    width, depth = config.widths[stage], config.depths[stage]
    if stage == 0:
        return [_Bottleneck(width, width, hidden_width=WIDENING * width, residual=True) for _ in range(depth)]
    n_heads, window_size = config.n_heads[stage - 1], config.window_sizes[stage - 1]
    return [_WindowBlock(width, n_heads, window_size) for _ in range(depth)]


class _Stem(nn.Module):
    """A quarter of the side, in two strided convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(
            _ConvNorm(3, width // 2, kernel_size=3, stride=2),
            nn.GELU(),
            _ConvNorm(width // 2, width, kernel_size=3, stride=2),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        out: Tensor = self.seq(pixels)
        return out


class _Stage(nn.Module):
    """Blocks, then the merging of cells into the next stage's."""

    def __init__(self, blocks: list[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:  # (b, width, g, g)
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


class _ConvNorm(nn.Module):
    """A convolution and its batch norm, folded into the kernel; in training, too, by the statistics that came with it.

    A step sees one picture at a time, whose own statistics would make features that inference never gives. Factor and
    bias of the norm learn as any weight does.
    """

    def __init__(self, n_in: int, n_out: int, kernel_size: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.c = nn.Conv2d(n_in, n_out, kernel_size, stride, padding=kernel_size // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = cast(Tensor, self.bn.running_mean), cast(Tensor, self.bn.running_var)
        factor = self.bn.weight * torch.rsqrt(variance + self.bn.eps)
        kernel, bias = self.c.weight * factor.view(-1, 1, 1, 1), self.bn.bias - mean * factor
        # Statistics stay float32 when a network runs in another dtype: the folding is exact, its result is rounded.
        kernel, bias = kernel.to(x.dtype), bias.to(x.dtype)
        return F.conv2d(x, kernel, bias, self.c.stride, self.c.padding, groups=self.c.groups)


class _Bottleneck(nn.Module):
    """Pointwise, depthwise 3 x 3, pointwise: a block of the first stage (residual), or a merging of cells."""

    def __init__(self, n_in: int, n_out: int, hidden_width: int, stride: int = 1, residual: bool = False) -> None:
        super().__init__()
        self.conv1 = _ConvNorm(n_in, hidden_width)
        self.conv2 = _ConvNorm(hidden_width, hidden_width, kernel_size=3, stride=stride, groups=hidden_width)
        self.conv3 = _ConvNorm(hidden_width, n_out)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:  # (b, n_in, g, g)
        hidden = F.gelu(self.conv2(F.gelu(self.conv1(x))))
        out: Tensor = self.conv3(hidden)
        return F.gelu(x + out) if self.residual else out


class _WindowBlock(nn.Module):
    def __init__(self, width: int, n_heads: int, window_size: int) -> None:
        super().__init__()
        self.window_size = window_size
        self.attn = _Attention(width, n_heads, window_size)
        self.local_conv = _ConvNorm(width, width, kernel_size=3, groups=width)
        self.mlp = _NormedMlp(width)

    def forward(self, x: Tensor) -> Tensor:  # (b, width, g, g)
        cells = x.permute(0, 2, 3, 1)
        windows = self.attn(to_windows(cells, self.window_size))
        cells = cells + from_windows(windows, grid_hw=(x.shape[2], x.shape[3]))
        mixed: Tensor = self.local_conv(cells.permute(0, 3, 1, 2))
        fed: Tensor = self.mlp(mixed.permute(0, 2, 3, 1))
        return mixed + fed.permute(0, 3, 1, 2)


class _Attention(nn.Module):
    """Attention within a window, with one learned bias per head and distance.

    The norm comes after the filling of windows: cells that fill one are keys like any other, with the norm's bias.
    """

    def __init__(self, width: int, n_heads: int, window_size: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(n_heads, window_size**2))

    def forward(self, windows: Tensor) -> Tensor:  # (n, side, side, width)
        n, side, _, width = windows.shape
        qkv = self.qkv(self.norm(windows)).view(n, side * side, self.n_heads, 3, -1)
        q, k, v = qkv.permute(3, 0, 2, 1, 4)  # each (n, heads, side * side, head_width)
        bias = self.attention_biases[:, distance_index(side, windows.device)]  # (heads, side * side, side * side)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        out: Tensor = self.proj(attended.transpose(1, 2).reshape(n, side, side, width))
        return out


def distance_index(side: int, device: torch.device | None = None) -> Tensor:
    """Which of the ``side ** 2`` biases holds between two cells of a window: (query, key), rows before columns.

    The bias of ``dy`` rows and ``dx`` columns apart, either way, is number ``dy * side + dx``.
    """
    row, column = (axis.flatten() for axis in torch.meshgrid(*2 * [torch.arange(side, device=device)], indexing="ij"))
    rows_apart = (row[:, None] - row[None, :]).abs()
    columns_apart = (column[:, None] - column[None, :]).abs()
    return rows_apart * side + columns_apart


class _NormedMlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, WIDENING * width)
        self.fc2 = nn.Linear(WIDENING * width, width)

    def forward(self, x: Tensor) -> Tensor:  # (..., width)
        out: Tensor = self.fc2(F.gelu(self.fc1(self.norm(x))))
        return out
