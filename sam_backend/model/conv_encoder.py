"""A small convolutional image encoder: learns from little data, embeds in well under a second on a CPU.

Residual 3 x 3 convolutions at four strides and a top-down path that joins them (feature pyramid, arXiv 1612.03144).
Besides the embedding at stride 16 it hands the decoder its detail at strides 8 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sam_backend.model.image_encoder import ImageEncoder, ImageFeatures
from sam_backend.model.layers import LayerNorm2d

EMBEDDING_STRIDE_PX = 16
FIRST_DETAIL_SCALE = 0.3


@dataclass(frozen=True, slots=True)
class ConvConfig:
    """The sizes of a convolutional image encoder."""

    image_size: int
    """Side of the square input, in model px; a multiple of 32."""

    widths: tuple[int, int, int, int]
    """Channels at strides 4, 8, 16 and 32."""

    depths: tuple[int, int, int, int]
    """Residual blocks at strides 4, 8, 16 and 32."""

    out_width: int = 128


class ConvImageEncoder(ImageEncoder):
    """Four convolutional stages and a top-down path; see `ConvConfig`."""

    input_size: Tensor
    takes_windows = True

    def __init__(self, config: ConvConfig) -> None:
        super().__init__()
        self.image_size = config.image_size
        self.grid_size = config.image_size // EMBEDDING_STRIDE_PX
        self.out_width = config.out_width
        # No weight's shape tells the input size of a convolutional network, so the file carries it.
        self.register_buffer("input_size", torch.tensor(config.image_size))
        half_width = config.widths[0] // 2
        self.stem = nn.Sequential(
            nn.Conv2d(3, half_width, kernel_size=3, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(half_width, config.widths[0], kernel_size=3, stride=2, padding=1),
        )
        self.stages = nn.ModuleList(_stage(config, index) for index in range(4))
        self.neck = _TopDown(config.widths, config.out_width)

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Encode (b, 3, h, w) normalised pixels, sides multiples of 32."""
        x = self.stem(pixels.contiguous(memory_format=torch.channels_last))
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        features: ImageFeatures = self.neck(levels)
        return features


def _stage(config: ConvConfig, index: int) -> nn.Sequential:
    width = config.widths[index]
    shrink = [nn.Conv2d(config.widths[index - 1], width, kernel_size=2, stride=2)] if index else []
    return nn.Sequential(*shrink, *(_ResidualBlock(width) for _ in range(config.depths[index])))


class _ResidualBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = LayerNorm2d(width)
        self.conv1 = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.conv2(F.gelu(self.conv1(self.norm(x))))
        return out


class _TopDown(nn.Module):
    def __init__(self, widths: tuple[int, int, int, int], out_width: int) -> None:
        super().__init__()
        out_widths = (out_width // 8, out_width // 4, out_width, out_width)
        self.lateral = nn.ModuleList(nn.Conv2d(n_in, n_out, 1) for n_in, n_out in zip(widths, out_widths, strict=True))
        self.narrow_to_8 = nn.Conv2d(out_width, out_width // 4, kernel_size=1)
        self.narrow_to_4 = nn.Conv2d(out_width // 4, out_width // 8, kernel_size=1)
        self.embed = nn.Sequential(nn.Conv2d(out_width, out_width, kernel_size=3, padding=1), LayerNorm2d(out_width))
        # Whatever the encoder learns, the decoder finds detail of one scale; a small one at first, beside the prompts.
        self.norm_8, self.norm_4 = (LayerNorm2d(out_width // share) for share in (4, 8))
        for norm in (self.norm_8, self.norm_4):
            nn.init.constant_(norm.weight, FIRST_DETAIL_SCALE)

    def forward(self, levels: list[Tensor]) -> ImageFeatures:
        at_4, at_8, at_16, at_32 = (lateral(level) for lateral, level in zip(self.lateral, levels, strict=True))
        at_16 = at_16 + _twice_as_large(at_32)
        at_8 = at_8 + _twice_as_large(self.narrow_to_8(at_16))
        at_4 = at_4 + _twice_as_large(self.narrow_to_4(at_8))
        return ImageFeatures(coarse=self.embed(at_16), fine=(self.norm_8(at_8), self.norm_4(at_4)))


def _twice_as_large(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
