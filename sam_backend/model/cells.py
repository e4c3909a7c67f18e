"""Three ways for tokens and the cells of a picture to attend to each other: the same numbers, for different work.

`ProjectedCells` is the formula as the paper has it. `AbsorbingCells` spares the projection of the cells while there are
few tokens, `SharedCells` where the cells are the same for all prompts of a picture. Both leave out the bias of the
keys, which falls out of a softmax and so would get no gradient: they are for inference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sam_backend.model.downscaled_attention import DownscaledAttention

MOST_TOKENS_TO_ABSORB = 14
"""With more tokens it is cheaper to project the cells."""


N_STRIPS = 4
"""That a single prompt's picture is cut into."""


class Cells(Protocol):
    """A picture's cells between two layers."""

    def answer(self, attention: DownscaledAttention, q: Tensor) -> Tensor:
        """What tokens (b, t, width) see of the cells: (b, t, width)."""
        ...

    def look_back(self, attention: DownscaledAttention, k: Tensor, v: Tensor) -> Tensor:
        """The cells plus what they see of tokens (b, t, width): (b, n, width)."""
        ...


def view_cells(image: Tensor, position: Tensor, n_tokens: int) -> Cells:
    """See cells (b or 1, n, width) at positions (1, n, width) in the way that suits the number of tokens."""
    absorbs = n_tokens <= MOST_TOKENS_TO_ABSORB and not torch.is_grad_enabled()
    return (AbsorbingCells if absorbs else ProjectedCells)(image, image + position)


@dataclass(frozen=True, slots=True, eq=False)
class ProjectedCells:
    """Cells that are projected for each attention."""

    image: Tensor
    """(b or 1, n, width)."""

    placed: Tensor
    """The same with their positions."""

    def answer(self, attention: DownscaledAttention, q: Tensor) -> Tensor:
        """See `Cells`."""
        look: Tensor = attention(q=q, k=self.placed, v=self.image)
        return look

    def look_back(self, attention: DownscaledAttention, k: Tensor, v: Tensor) -> Tensor:
        """See `Cells`."""
        look: Tensor = attention(q=self.placed, k=k, v=v)
        return self.image + look


@dataclass(frozen=True, slots=True, eq=False)
class AbsorbingCells:
    """Cells that are never projected: the tokens are projected once more instead.

    A score is ``(W_q t) . (W_k x) = (W_k' W_q t) . x``, and ``sum a W_v x = W_v sum a x``; so the absorbed projections
    of multi-head latent attention (arXiv 2405.04434, section 2.1).
    """

    image: Tensor
    """(b or 1, n, width)."""

    placed: Tensor
    """The same with their positions."""

    def answer(self, attention: DownscaledAttention, q: Tensor) -> Tensor:
        """See `Cells`."""
        queries = _scaled(attention.split(attention.q_proj(q)))
        asked = torch.einsum("bthd,hdc->bthc", queries, _by_head(attention, attention.k_proj)).flatten(1, 2)
        shares = _times(self.placed, asked.transpose(1, 2)).softmax(dim=1)  # (b, n, t * heads)
        seen = torch.unflatten(_sum_up(self.image, shares), 1, (-1, attention.n_heads))  # (b, t, heads, width)
        values = torch.einsum("bthc,hdc->bthd", seen, _by_head(attention, attention.v_proj)).flatten(2)
        look: Tensor = attention.out_proj(values + attention.v_proj.bias)
        return look

    def look_back(self, attention: DownscaledAttention, k: Tensor, v: Tensor) -> Tensor:
        """See `Cells`."""
        keys = _scaled(attention.split(attention.k_proj(k)))
        offered = torch.einsum("bthd,hdc->bthc", keys, _by_head(attention, attention.q_proj)).flatten(1, 2)
        for_bias = (keys * attention.split(attention.q_proj.bias)).sum(dim=-1).flatten(1)  # (b, t * heads)
        scores = _times(self.placed, offered.transpose(1, 2)) + for_bias[:, None]
        return _add_seen(self.image, scores, attention, v)


@dataclass(frozen=True, slots=True, eq=False)
class SharedProjections:
    """What the first layer makes of a picture before it knows a prompt."""

    keys: Tensor
    """(1, heads, n, head_width) for its tokens to look at, and likewise ``values``."""

    values: Tensor

    queries: Tensor
    """(1, n, heads * head_width) for its cells to look at tokens."""

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return self.keys.nbytes + self.values.nbytes + self.queries.nbytes


def share_projections(
    to_image: DownscaledAttention, to_tokens: DownscaledAttention, image: Tensor, position: Tensor
) -> SharedProjections:
    """Project cells (1, n, width) at positions of the same shape for both attentions of the first layer."""
    placed = image + position
    keys, values = to_image.k_proj(placed), to_image.v_proj(image)
    return SharedProjections(
        keys=to_image.split(keys).transpose(1, 2).contiguous(),
        values=to_image.split(values).transpose(1, 2).contiguous(),
        queries=to_tokens.q_proj(placed),
    )


@dataclass(frozen=True, slots=True, eq=False)
class SharedCells:
    """Cells that are the same for all prompts, projected once per picture."""

    image: Tensor
    """(1, n, width)."""

    projections: SharedProjections

    def answer(self, attention: DownscaledAttention, q: Tensor) -> Tensor:
        """See `Cells`. The tokens of all prompts ask together."""
        asked = attention.split(attention.q_proj(q)).flatten(0, 1).transpose(0, 1)  # (heads, b * t, head_width)
        seen = F.scaled_dot_product_attention(asked[None], self.projections.keys, self.projections.values)
        look: Tensor = attention.out_proj(torch.unflatten(seen[0].transpose(0, 1).flatten(1), 0, q.shape[:2]))
        return look

    def look_back(self, attention: DownscaledAttention, k: Tensor, v: Tensor) -> Tensor:
        """See `Cells`."""
        keys = _scaled(attention.split(attention.k_proj(k)))  # (b, t, heads, head_width)
        # Each head's keys in columns of their own, zeros elsewhere: one matrix product then serves all heads.
        apart = torch.einsum("bthd,hg->bhdtg", keys, torch.eye(attention.n_heads).to(keys)).flatten(3).flatten(1, 2)
        scores = _times(self.projections.queries, apart)  # (b, n, t * heads)
        return _add_seen(self.image, scores, attention, v)


def _times(cells: Tensor, columns: Tensor) -> Tensor:
    """Multiply cells (b or 1, n, width) by columns (b, width, k): (b, n, k)."""
    if len(columns) != 1:
        return cells @ columns
    return (_strips(cells) @ columns).flatten(0, 1)[None]


def _sum_up(cells: Tensor, shares: Tensor) -> Tensor:
    """Sum up cells (b or 1, n, width) by shares (b, n, k): (b, k, width)."""
    if len(shares) != 1:
        return shares.transpose(1, 2) @ cells
    return (_strips(shares).transpose(1, 2) @ _strips(cells)).sum(dim=0, keepdim=True)


def _strips(cells: Tensor) -> Tensor:
    """See (1, n, c) as a batch: matrix libraries deal a batch out among cores, but not one narrow product."""
    n_strips = N_STRIPS if cells.shape[1] % N_STRIPS == 0 else 1
    return torch.unflatten(cells[0], 0, (n_strips, -1))


def _scaled(heads: Tensor) -> Tensor:
    return heads / math.sqrt(heads.shape[-1])


def _by_head(attention: DownscaledAttention, projection: nn.Linear) -> Tensor:
    """(heads, head_width, width)."""
    heads: Tensor = torch.unflatten(projection.weight, 0, (attention.n_heads, -1))
    return heads


def _add_seen(image: Tensor, scores: Tensor, attention: DownscaledAttention, v: Tensor) -> Tensor:
    """Add to cells (b or 1, n, width) what they see of tokens, with absorbed values.

    Args:
        image: the cells.
        scores: (b, n, t * heads), token by token and then head by head. In this order the softmax over the tokens runs
            over rows of heads as wide as a vector register, ten times as fast as the other way round.
        attention: from the cells to the tokens.
        v: tokens (b, t, width).
    """
    shares = torch.unflatten(scores, 2, (-1, attention.n_heads)).softmax(dim=2).flatten(2)
    out_of_head = attention.split(attention.out_proj.weight)  # (width, heads, head_width)
    told = torch.einsum("bthd,chd->bthc", attention.split(attention.v_proj(v)), out_of_head).flatten(1, 2)
    # Shares of a head add up to 1, so the rows add up to one bias.
    told = told + attention.out_proj.bias / attention.n_heads
    return torch.baddbmm(image.expand(len(v), -1, -1), shares, told)
