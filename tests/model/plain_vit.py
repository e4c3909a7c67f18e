"""The ViT's blocks written plainly: zeros projected like tokens, the bias of all pairs in one tensor, no strips."""

import torch
from torch import Tensor
from torch.nn import functional as F

from sam_backend.model.vit import VitImageEncoder


def plain_encode(encoder: VitImageEncoder, pixels: Tensor) -> Tensor:
    x = encoder.patch_embed(pixels) + encoder.pos_embed
    for block in encoder.blocks:
        side = block.attn.side
        b, grid, _, width = x.shape
        pad, n = -grid % side, -(-grid // side)
        filled = F.pad(block.norm1(x), (0, 0, 0, pad, 0, pad)).view(b, n, side, n, side, width).transpose(2, 3)
        windows = plain_attention(block.attn, filled.reshape(-1, side, side, width))
        whole = windows.view(b, n, n, side, side, width).transpose(2, 3).reshape(b, n * side, n * side, width)
        x = x + whole[:, :grid, :grid]
        x = x + block.mlp(block.norm2(x))
    return encoder.neck(x.permute(0, 3, 1, 2))


def plain_attention(attention: torch.nn.Module, windows: Tensor) -> Tensor:
    b, side, _, width = windows.shape
    q, k, v = attention.qkv(windows).view(b, side * side, 3, attention.n_heads, -1).permute(2, 0, 3, 1, 4)
    bias = plain_bias(q, attention.rel_pos_h, attention.rel_pos_w, side)
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + bias
    attended = scores.softmax(dim=-1) @ v
    return attention.proj(attended.transpose(1, 2).reshape(b, side, side, width))


def plain_bias(q: Tensor, height_table: Tensor, width_table: Tensor, side: int) -> Tensor:
    row, column = torch.arange(side * side) // side, torch.arange(side * side) % side
    of_rows = height_table[row[:, None] - row + side - 1]  # (query, key, head_width)
    of_columns = width_table[column[:, None] - column + side - 1]
    return torch.einsum("bnqc,qkc->bnqk", q, of_rows + of_columns)
