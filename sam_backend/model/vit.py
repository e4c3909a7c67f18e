"""The plain vision transformer of the official checkpoints (B, L, H and any other size of the family).

Window attention with a few global blocks and decomposed relative positions: "Exploring Plain Vision Transformer
Backbones for Object Detection" (arXiv 2203.16527). Module names are those of the official weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from sam_backend.model.image_encoder import ImageEncoder, ImageFeatures
from sam_backend.model.layers import TransformerMlp, embedding_neck
from sam_backend.model.relative_attention import attend_on_grid
from sam_backend.model.windows import from_windows, to_windows


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

    On a CPU it works on one strip of rows after another, as high as a window. A strip's tensors stay in the cache, and
    those of the whole picture (a hidden layer of 50 MB in ViT-B) never exist. Training takes the grid whole, so that
    each branch is one call: drop path hangs on it.
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
        in_strips = x.device.type == "cpu" and not torch.is_grad_enabled()
        split = partial(torch.split, split_size_or_sections=self.strip_height if in_strips else x.shape[1], dim=1)
        # Windows never look beyond their strip.
        strips = map(self._attend, split(x)) if self.window_size else split(self._attend(x))
        return torch.cat([strip + self.mlp(self.norm2(strip)) for strip in strips], dim=1)

    def _attend(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.attn(self.norm1(x))
        return out


class _Attention(nn.Module):
    """Attention within the windows of ``side`` tokens of a grid: a single one, where the grid is as large.

    Windows that reach beyond the grid are filled up with zeros, which take part as keys and values like any token: the
    official weights were trained so. All there is of a zero token is the bias of ``qkv``, so none is projected.
    """

    def __init__(self, width: int, n_heads: int, side: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.side = side
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, width // n_heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, width // n_heads))

    def forward(self, x: Tensor) -> Tensor:  # (b, h, w, width)
        windows = to_windows(self.qkv(x), self.side, filling=self.qkv.bias)
        heads = torch.unflatten(windows.flatten(1, 2), -1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = heads.contiguous()  # each (b * n_windows, heads, side * side, head_width)
        attended = attend_on_grid(q, k, v, self.rel_pos_h, self.rel_pos_w, self.side)
        windows = torch.unflatten(attended.transpose(1, 2).flatten(2), 1, (self.side, self.side))
        out: Tensor = self.proj(from_windows(windows, grid_hw=(x.shape[1], x.shape[2])))
        return out
