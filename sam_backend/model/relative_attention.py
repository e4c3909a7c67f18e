"""Attention with decomposed relative positions that never holds a bias for all pairs of tokens.

The bias of a query and a key is a number for the difference of their rows plus one for that of their columns
(arXiv 2203.16527, appendix). Written out for 4096 tokens and 12 heads it takes 800 MB and more time to move than to
compute; here it exists for a chunk of queries at a time, small enough to stay in the cache.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

CPU_BIAS_BYTES = 16 << 20
"""Half of the last cache of a usual server core; 1024 queries of 4096 keys."""

ACCELERATOR_BIAS_BYTES = 1 << 30
"""There every chunk is a launch, and memory is fast."""


def attend_on_grid(q: Tensor, k: Tensor, v: Tensor, height_table: Tensor, width_table: Tensor, side: int) -> Tensor:
    """Attend among the tokens of a square grid.

    Args:
        q: (b, heads, side * side, head_width), row by row.
        k: like ``q``.
        v: like ``q``.
        height_table: (2 * side - 1, head_width), for the distances -(side - 1) ... side - 1 in rows.
        width_table: the same in columns.
        side: of the grid.

    Returns:
        (b, heads, side * side, head_width).
    """
    by_row, by_column = _bias_by_axis(q, height_table, width_table, side)
    n_heads, n_queries = _chunk(q)
    of_heads = (torch.split(part, n_heads, dim=1) for part in (q, k, v, by_row, by_column))
    return torch.cat([_attend_in_chunks(n_queries, *parts) for parts in zip(*of_heads, strict=True)], dim=1)


def _bias_by_axis(q: Tensor, height_table: Tensor, width_table: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Two of (b, heads, side * side, side), from the queries before they are scaled."""
    q_grid = torch.unflatten(q, 2, (side, side))
    by_row = torch.einsum("bnhwc,hkc->bnhwk", q_grid, _relative(height_table, side))
    by_column = torch.einsum("bnhwc,wkc->bnhwk", q_grid, _relative(width_table, side))
    return by_row.flatten(2, 3), by_column.flatten(2, 3)


def _relative(table: Tensor, side: int) -> Tensor:
    """Spread a table of 2 * side - 1 distances to (query, key, head_width)."""
    index = torch.arange(side, device=table.device)
    return table[index[:, None] - index[None, :] + side - 1]


def _chunk(q: Tensor) -> tuple[int, int]:
    """How many heads, and how many queries of each, may attend at once."""
    batch, _, n_tokens, _ = q.shape
    n_bytes = CPU_BIAS_BYTES if q.device.type == "cpu" else ACCELERATOR_BIAS_BYTES
    n_pairs = max(1, n_bytes // (q.element_size() * batch * n_tokens))  # of head and query
    return max(1, n_pairs // n_tokens), min(n_pairs, n_tokens)


def _attend_in_chunks(n_queries: int, q: Tensor, k: Tensor, v: Tensor, by_row: Tensor, by_column: Tensor) -> Tensor:
    chunks = zip(*(torch.split(part, n_queries, dim=2) for part in (q, by_row, by_column)), strict=True)
    return torch.cat([_attend(q_chunk, k, v, *bias) for q_chunk, *bias in chunks], dim=2)


def _attend(q: Tensor, k: Tensor, v: Tensor, by_row: Tensor, by_column: Tensor) -> Tensor:
    bias = by_row[..., :, None] + by_column[..., None, :]  # (b, heads, n, key's row, key's column)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias.flatten(3))
