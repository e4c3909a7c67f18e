"""Attention inside a width that may be smaller than that of its input (paper appendix A)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEAD_WIDTH = 32
"""Width of a self-attention head. The official decoder has 8 heads of 32; weights don't say it, so it is fixed."""


class DownscaledAttention(nn.Module):
    """Multi-head attention; queries, keys and values meet in ``inner_width``."""

    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.n_heads = width // HEAD_WIDTH
        self.q_proj = nn.Linear(width, inner_width)
        self.k_proj = nn.Linear(width, inner_width)
        self.v_proj = nn.Linear(width, inner_width)
        self.out_proj = nn.Linear(inner_width, width)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Map queries (b, n, width) with keys and values (b, m, width) to (b, n, width); a b of 1 serves all."""
        batch = max(len(q), len(k))
        heads = (
            self._heads(self.q_proj(q), batch),
            self._heads(self.k_proj(k), batch),
            self._heads(self.v_proj(v), batch),
        )
        attended = F.scaled_dot_product_attention(*heads)
        out: Tensor = self.out_proj(attended.transpose(1, 2).flatten(2))
        return out

    def split(self, x: Tensor) -> Tensor:
        """See (b, n, inner_width) as (b, n, heads, head_width)."""
        return torch.unflatten(x, -1, (self.n_heads, -1))

    def _heads(self, x: Tensor, batch: int) -> Tensor:
        return self.split(x).transpose(1, 2).expand(batch, -1, -1, -1)  # (batch, heads, n, head_width)
