"""Cells that pass by in strips, each strip through all steps while it lies in the cache: for inference.

Neither kind projects the cells for the tokens of one prompt. A score is ``(W_q t) . (W_k x) = (W_k' W_q t) . x``, and
``sum a W_v x = W_v sum a x``: the tokens are projected once more instead, as in the absorbed projections of multi-head
latent attention (arXiv 2405.04434, section 2.1). The softmax over all strips is summed up as they pass (arXiv
1805.02867). The bias of the keys is left out: it falls out of a softmax, and so would get no gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sam_backend.model.cells import Cells, Message, ProjectedCells, Question
from sam_backend.model.downscaled_attention import DownscaledAttention

MOST_TOKENS_TO_ABSORB = 14
"""With more tokens it is cheaper to project the cells."""

CELLS_AT_ONCE = 1024
"""Of all prompts together, for each core: a megabyte at the official width."""

_ScoreRows: TypeAlias = Callable[[slice], Tensor]
"""From a strip's rows to how much each cell cares for each head of each token: (b, rows, t * heads)."""


def view_cells(image: Tensor, position: Tensor, n_tokens: int) -> Cells:
    """See cells (b or 1, n, width) at positions (1, n, width) in the way that suits the number of tokens."""
    absorbs = n_tokens <= MOST_TOKENS_TO_ABSORB and not torch.is_grad_enabled()
    return (AbsorbingCells if absorbs else ProjectedCells)(image, position)


@dataclass(frozen=True, slots=True, eq=False)
class AbsorbingCells:
    """Cells that differ from prompt to prompt."""

    image: Tensor
    """(b or 1, n, width)."""

    position: Tensor
    """(1, n, width)."""

    def answer(self, question: Question) -> Tensor:
        """See `Cells`."""
        look = _Look.begin(question)
        for rows in _strips(self.image, len(question.q)):
            look.see(self.image[:, rows], self.position[:, rows])
        return look.answer()

    def turn(self, message: Message, question: Question) -> tuple[Cells, Tensor]:
        """See `Cells`."""
        attention = message.attention
        keys = _scaled(attention.split(attention.k_proj(message.k)))
        offered = torch.einsum("bthd,hdc->bthc", keys, _by_head(attention, attention.q_proj)).flatten(1, 2)
        for_bias = (keys * attention.split(attention.q_proj.bias)).sum(dim=-1).flatten(1)[:, None]

        def score(rows: slice) -> Tensor:
            return (self.image[:, rows] + self.position[:, rows]) @ offered.transpose(1, 2) + for_bias

        return _turn(self.image, self.position, score, message, question)


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

    position: Tensor
    """(1, n, width)."""

    projections: SharedProjections

    def answer(self, question: Question) -> Tensor:
        """See `Cells`. The tokens of all prompts ask together."""
        attention = question.attention
        asked = attention.split(attention.q_proj(question.q)).flatten(0, 1).transpose(0, 1)  # (heads, b * t, ...)
        seen = F.scaled_dot_product_attention(asked[None], self.projections.keys, self.projections.values)
        of_prompts = torch.unflatten(seen[0].transpose(0, 1).flatten(1), 0, question.q.shape[:2])
        look: Tensor = attention.out_proj(of_prompts)
        return look

    def turn(self, message: Message, question: Question) -> tuple[Cells, Tensor]:
        """See `Cells`."""
        attention = message.attention
        keys = _scaled(attention.split(attention.k_proj(message.k)))  # (b, t, heads, head_width)
        # Each head's keys in columns of their own, zeros elsewhere: one matrix product then serves all heads.
        apart = torch.einsum("bthd,hg->bhdtg", keys, torch.eye(attention.n_heads).to(keys)).flatten(3).flatten(1, 2)

        def score(rows: slice) -> Tensor:
            return self.projections.queries[:, rows] @ apart

        return _turn(self.image, self.position, score, message, question)


@dataclass(slots=True, eq=False)
class _Look:
    """The answer to a question while the cells pass by."""

    question: Question

    asked: Tensor
    """(b, width, t * heads): a cell's product with it is its score."""

    highest: Tensor
    """(b, 1, t * heads): the highest score so far. All shares are taken relative to it."""

    shares: Tensor
    """(b, 1, t * heads): their sum so far."""

    seen: Tensor
    """(b, t * heads, width): the sum of the cells by their shares so far."""

    @classmethod
    def begin(cls, question: Question) -> _Look:
        """Before any cell."""
        attention = question.attention
        queries = _scaled(attention.split(attention.q_proj(question.q)))
        asked = torch.einsum("bthd,hdc->bcth", queries, _by_head(attention, attention.k_proj)).flatten(2)
        nothing = asked.new_zeros(len(asked), 1, asked.shape[2])
        return cls(question, asked, nothing - math.inf, nothing, torch.zeros_like(asked).transpose(1, 2))

    def see(self, image: Tensor, position: Tensor) -> None:
        """Look at a strip (b or 1, rows, width) at (1, rows, width)."""
        scores = (image + position) @ self.asked
        highest = torch.maximum(self.highest, scores.amax(dim=1, keepdim=True))
        shares = (scores - highest).exp_()
        fade = (self.highest - highest).exp_()
        self.highest = highest
        self.shares = self.shares * fade + shares.sum(dim=1, keepdim=True)
        self.seen = self.seen * fade.transpose(1, 2) + shares.transpose(1, 2) @ image

    def answer(self) -> Tensor:
        """(b, t, width), once all cells have passed."""
        attention = self.question.attention
        seen = torch.unflatten(self.seen / self.shares.transpose(1, 2), 1, (-1, attention.n_heads))
        values = torch.einsum("bthc,hdc->bthd", seen, _by_head(attention, attention.v_proj)).flatten(2)
        answer: Tensor = attention.out_proj(values + attention.v_proj.bias)
        return answer


def _turn(
    image: Tensor, position: Tensor, score: _ScoreRows, message: Message, question: Question
) -> tuple[Cells, Tensor]:
    """Tell cells (b or 1, n, width) a message, and ask them."""
    told = _told(message)
    known = image.new_empty(len(told), *image.shape[1:])
    look = _Look.begin(question)
    for rows in _strips(image, len(told)):
        by_head = torch.unflatten(score(rows), 2, (-1, message.attention.n_heads))
        # Token by token and then head by head: so the softmax over the tokens runs over rows of heads as wide as a
        # vector register, ten times as fast as the other way round.
        shares = by_head.softmax(dim=2).flatten(2)
        strip = message.norm(torch.baddbmm(image[:, rows].expand(len(told), -1, -1), shares, told))
        look.see(strip, position[:, rows])
        known[:, rows] = strip
    return AbsorbingCells(known, position), look.answer()


def _told(message: Message) -> Tensor:
    """What a cell gets from each head of each token: (b, t * heads, width)."""
    attention = message.attention
    out_of_head = attention.split(attention.out_proj.weight)  # (width, heads, head_width)
    told = torch.einsum("bthd,chd->bthc", attention.split(attention.v_proj(message.v)), out_of_head).flatten(1, 2)
    # Shares of a head add up to 1, so the rows add up to one bias.
    return told + attention.out_proj.bias / attention.n_heads


def _strips(image: Tensor, batch: int) -> Iterator[slice]:
    """The rows of cells (b or 1, n, width), a strip at a time on a CPU."""
    n_cells = image.shape[1]
    n_on_cpu = max(1, CELLS_AT_ONCE * torch.get_num_threads() // max(1, batch))
    n_rows = n_on_cpu if image.device.type == "cpu" else n_cells
    return (slice(start, start + n_rows) for start in range(0, n_cells, n_rows))


def _scaled(heads: Tensor) -> Tensor:
    return heads / math.sqrt(heads.shape[-1])


def _by_head(attention: DownscaledAttention, projection: nn.Linear) -> Tensor:
    """(heads, head_width, width)."""
    heads: Tensor = torch.unflatten(projection.weight, 0, (attention.n_heads, -1))
    return heads
