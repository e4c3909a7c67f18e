"""The plain vision transformer of the official checkpoints (B, L, H and any other size of the family).

Window attention with a few global blocks and decomposed relative positions: "Exploring Plain Vision Transformer
Backbones for Object Detection" (arXiv 2203.16527). Module names are those of the official weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sam_backend.model.image_encoder import ImageEncoder, ImageFeatures
from sam_backend.model.layers import TransformerMlp, embedding_neck
from sam_backend.model.relative_attention import attend_on_grid


@dataclass(frozen=True, slots=True)
class VitConfig:
    """The sizes of a ViT image encoder."""

    width: int
    depth: int
    n_heads: int
    global_blocks: tuple[int, ...]
    """Indices of the blocks that attend over the whole picture; the others attend within windows."""

    grid_size: int = 64
    """Side of the embedding, in patches."""

    patch_size_px: int = 16
    window_size: int = 14
    """Side of an attention window, in patches."""

    mlp_width: int = 0
    """0 means four times the width."""

    out_width: int = 256


class VitImageEncoder(ImageEncoder):
    """ViT with a convolutional neck; see `VitConfig`."""

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.image_size = config.grid_size * config.patch_size_px
        self.grid_size = config.grid_size
        self.patch_embed = _PatchEmbed(config.width, config.patch_size_px)
        self.pos_embed = nn.Parameter(torch.zeros(1, config.grid_size, config.grid_size, config.width))
        self.blocks = nn.ModuleList(
            _Block(config, window_size=0 if index in config.global_blocks else config.window_size)
            for index in range(config.depth)
        )
        self.neck = embedding_neck(config.width, config.out_width)

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Encode (b, 3, image_size, image_size) normalised pixels."""
        x = self.patch_embed(pixels) + self.pos_embed  # (b, g, g, width)
        for block in self.blocks:
            x = block(x)
        return ImageFeatures(coarse=self.neck(x.permute(0, 3, 1, 2)))


class _PatchEmbed(nn.Module):
    def __init__(self, width: int, patch_size_px: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=patch_size_px, stride=patch_size_px)

    def forward(self, pixels: Tensor) -> Tensor:
        patches: Tensor = self.proj(pixels)
        return patches.permute(0, 2, 3, 1)  # (b, g, g, width)


class _Block(nn.Module):
    """A windowed block, or a global one where ``window_size`` is 0.

    On a CPU it works on one strip of rows after another, as high as a window. A strip's tensors stay in the cache,
    and those of the whole picture (a hidden layer of 50 MB in ViT-B) never exist.
    """

    def __init__(self, config: VitConfig, window_size: int) -> None:
        super().__init__()
        self.window_size = window_size
        self.strip_height = config.window_size
        self.norm1 = nn.LayerNorm(config.width, eps=1e-6)
        self.attn = _Attention(config.width, config.n_heads, side=window_size or config.grid_size)
        self.norm2 = nn.LayerNorm(config.width, eps=1e-6)
        self.mlp = TransformerMlp(config.width, config.mlp_width or 4 * config.width, nn.GELU())

    def forward(self, x: Tensor) -> Tensor:  # (b, g, g, width)
        strips = x.split(self.strip_height if x.device.type == "cpu" else x.shape[1], dim=1)
        return torch.cat([self._feed_forward(strip) for strip in self._attended(strips)], dim=1)

    def _attended(self, strips: tuple[Tensor, ...]) -> Iterator[Tensor]:
        if self.window_size:  # windows never look beyond their strip
            return (strip + self.attn.within_windows(self.norm1(strip)) for strip in strips)
        looks = self.attn.over_grid(self.norm1(strip) for strip in strips)
        return (strip + look for strip, look in zip(strips, looks, strict=True))

    def _feed_forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class _Attention(nn.Module):
    def __init__(self, width: int, n_heads: int, side: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.side = side
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, width // n_heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, width // n_heads))

    def over_grid(self, strips: Iterable[Tensor]) -> Iterator[Tensor]:
        """Attend over all rows of the strips (b, rows, side, width); gives strips of the same shapes."""
        qkv = [self.qkv(strip) for strip in strips]
        attended = self._attend(torch.cat(qkv, dim=1)).split([strip.shape[1] for strip in qkv], dim=1)
        return (self.proj(strip) for strip in attended)

    def within_windows(self, x: Tensor) -> Tensor:
        """Attend in each window of (b, h, w, width).

        Windows that reach beyond it are filled up with zeros, which take part as keys and values like any token: the
        official weights were trained so. All there is of a zero token is the bias of ``qkv``, so nothing is computed.
        """
        height, width = x.shape[1:3]
        qkv = _fill(self.qkv(x), self.qkv.bias, -height % self.side, -width % self.side)
        attended = self._attend(_to_windows(qkv, self.side))
        out: Tensor = self.proj(_from_windows(attended, qkv.shape[1:3])[:, :height, :width])
        return out

    def _attend(self, qkv: Tensor) -> Tensor:
        """From (b, side, side, 3 * width) to (b, side, side, width)."""
        heads = qkv.flatten(1, 2).unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = heads.contiguous()  # each (b, heads, side * side, head_width)
        attended = attend_on_grid(q, k, v, self.rel_pos_h, self.rel_pos_w, self.side)
        return attended.transpose(1, 2).flatten(2).unflatten(1, (self.side, self.side))


def _fill(x: Tensor, value: Tensor, n_below: int, n_beside: int) -> Tensor:
    """Add rows and columns of ``value`` (c,) to (b, h, w, c)."""
    b, height, width, _ = x.shape
    if n_beside:
        x = torch.cat([x, value.expand(b, height, n_beside, -1)], dim=2)
    if n_below:
        x = torch.cat([x, value.expand(b, n_below, width + n_beside, -1)], dim=1)
    return x


def _to_windows(x: Tensor, side: int) -> Tensor:
    """Cut (b, h, w, c), both multiples of ``side``, into (b * n_windows, side, side, c)."""
    return x.unflatten(2, (-1, side)).unflatten(1, (-1, side)).transpose(2, 3).flatten(0, 2)


def _from_windows(windows: Tensor, height_width: tuple[int, int]) -> Tensor:
    n_down, n_across = (size // windows.shape[1] for size in height_width)
    return windows.unflatten(0, (-1, n_down, n_across)).transpose(2, 3).flatten(3, 4).flatten(1, 2)
