"""The plain vision transformer of the official checkpoints (B, L, H and any other size of the family).

Window attention with a few global blocks and decomposed relative positions: "Exploring Plain Vision Transformer
Backbones for Object Detection" (arXiv 2203.16527). Module names are those of the official weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sam_backend.model.image_encoder import ImageEncoder, ImageFeatures
from sam_backend.model.layers import TransformerMlp, embedding_neck
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
    def __init__(self, config: VitConfig, window_size: int) -> None:
        super().__init__()
        self.window_size = window_size
        self.norm1 = nn.LayerNorm(config.width, eps=1e-6)
        self.attn = _Attention(config.width, config.n_heads, side=window_size or config.grid_size)
        self.norm2 = nn.LayerNorm(config.width, eps=1e-6)
        self.mlp = TransformerMlp(config.width, config.mlp_width or 4 * config.width, nn.GELU())

    def forward(self, x: Tensor) -> Tensor:  # (b, g, g, width)
        x = x + self._attend(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out

    def _attend(self, x: Tensor) -> Tensor:
        if self.window_size == 0:
            whole: Tensor = self.attn(x)
            return whole
        windows = self.attn(to_windows(x, self.window_size))
        return from_windows(windows, self.window_size, batch=x.shape[0], grid_size=x.shape[1])


class _Attention(nn.Module):
    def __init__(self, width: int, n_heads: int, side: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, width // n_heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, width // n_heads))

    def forward(self, x: Tensor) -> Tensor:  # (b, side, side, width)
        b, side, _, width = x.shape
        qkv = self.qkv(x).view(b, side * side, 3, self.n_heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (b, heads, side * side, head_width)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=self._position_bias(q, side))
        out: Tensor = self.proj(attended.transpose(1, 2).reshape(b, side, side, width))
        return out

    def _position_bias(self, q: Tensor, side: int) -> Tensor:
        """(b, heads, side * side, side * side), from the queries before they are scaled."""
        b, n_heads, n_tokens, head_width = q.shape
        q_grid = q.view(b, n_heads, side, side, head_width)
        # Contiguous, so that the big sum comes out in the order of its last view instead of being copied.
        by_row = torch.einsum("bnhwc,hkc->bnhwk", q_grid, _relative(self.rel_pos_h, side)).contiguous()
        by_column = torch.einsum("bnhwc,wkc->bnhwk", q_grid, _relative(self.rel_pos_w, side)).contiguous()
        bias = by_row[..., :, None] + by_column[..., None, :]  # (b, heads, h, w, key_h, key_w)
        return bias.view(b, n_heads, n_tokens, n_tokens)


def _relative(table: Tensor, side: int) -> Tensor:
    """Spread a table of 2 * side - 1 distances to (query, key, head_width)."""
    index = torch.arange(side, device=table.device)
    return table[index[:, None] - index[None, :] + side - 1]
