"""Cells that pass by in strips, each strip through all steps while it lies in the cache: for inference.

Neither kind projects the cells for the tokens of one prompt. A score is ``(W_q t) . (W_k x) = (W_k' W_q t) . x``, and
``sum a W_v x = W_v sum a x``: the tokens are projected once more instead, as in the absorbed projections of multi-head
latent attention (arXiv 2405.04434, section 2.1). The softmax over all strips is summed up as they pass (arXiv
1805.02867). The bias of the keys is left out: it falls out of a softmax, and so would get no gradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sam_backend.model.cells import Cells, Message, ProjectedCells, Question, Strips
from sam_backend.model.downscaled_attention import DownscaledAttention

MOST_TOKENS_TO_ABSORB = 14
"""With more tokens it is cheaper to project the cells."""

CELLS_AT_ONCE = 1024
"""Of all prompts together, for each core: a megabyte at the official width."""


def view_cells(image: Tensor, position: Tensor, batch: int, n_tokens: int) -> Cells:
    """See cells (b or 1, n, width) at positions (1, n, width) in the way that suits so many prompts and tokens."""
    if n_tokens > MOST_TOKENS_TO_ABSORB or torch.is_grad_enabled():
        return ProjectedCells(image, position)
    return AbsorbingCells(in_strips(image, batch), in_strips(position, batch))


def in_strips(cells: Tensor, batch: int) -> Strips:
    """Cut cells (b or 1, n, ...) of a square grid into strips of whole rows: one strip, `CELLS_AT_ONCE` on a CPU."""
    n_cells = cells.shape[1]
    if cells.device.type != "cpu":
        return (cells,)
    width = math.isqrt(n_cells)
    n_rows = max(1, CELLS_AT_ONCE * torch.get_num_threads() // (width * max(1, batch)))
    return torch.split(cells, n_rows * width, dim=1)


@dataclass(frozen=True, slots=True, eq=False)
class AbsorbingCells:
    """Cells that differ from prompt to prompt."""

    strips: Strips
    """(b or 1, n, width)."""

    position: Strips
    """(1, n, width)."""

    def answer(self, question: Question) -> Tensor:
        """See `Cells`."""
        look = _Look.begin(question)
        for image, position in zip(self.strips, self.position, strict=True):
            look.see(image, position)
        return look.answer()

    def turn(self, message: Message, question: Question) -> tuple[Cells, Tensor]:
        """See `Cells`."""
        attention = message.attention
        keys = _scaled(attention.split(attention.k_proj(message.k)))
        offered = torch.einsum("bthd,hdc->bthc", keys, _by_head(attention, attention.q_proj)).flatten(1, 2)
        for_bias = (keys * attention.split(attention.q_proj.bias)).sum(dim=-1).flatten(1)[:, None]

        scores = (
            (image + position) @ offered.transpose(1, 2) + for_bias
            for image, position in zip(self.strips, self.position, strict=True)
        )
        return _turn(self.strips, self.position, scores, message, question)


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

    strips: Strips
    """(1, n, width)."""

    position: Strips
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

        scores = (queries @ apart for queries in in_strips(self.projections.queries, len(apart)))
        return _turn(self.strips, self.position, scores, message, question)


@dataclass(slots=True, eq=False)
class _Look:
    """The answer to a question while the cells pass by."""

    question: Question

    asked: Tensor
    """(b, t * heads, width): its product with a cell is the cell's score."""

    highest: Tensor
    """(b, t * heads, 1): the highest score so far. All shares are taken relative to it."""

    shares: Tensor
    """(b, t * heads, 1): their sum so far."""

    seen: Tensor
    """(b, t * heads, width): the sum of the cells by their shares so far."""

    @classmethod
    def begin(cls, question: Question) -> _Look:
        """Before any cell."""
        attention = question.attention
        queries = _scaled(attention.split(attention.q_proj(question.q)))
        asked = torch.einsum("bthd,hdc->bthc", queries, _by_head(attention, attention.k_proj)).flatten(1, 2)
        nothing = asked.new_zeros(*asked.shape[:2], 1)
        return cls(question, asked, nothing - math.inf, nothing, torch.zeros_like(asked))

    def see(self, image: Tensor, position: Tensor) -> None:
        """Look at a strip (b or 1, rows, width) at (1, rows, width)."""
        scores = self.asked @ (image + position).transpose(1, 2)
        highest = torch.maximum(self.highest, scores.amax(dim=2, keepdim=True))
        shares = scores.sub_(highest).exp_()
        fade = self.highest.sub_(highest).exp_()
        self.highest = highest
        self.shares.mul_(fade).add_(shares.sum(dim=2, keepdim=True))
        self.seen.mul_(fade).baddbmm_(shares, image.expand(len(shares), -1, -1))

    def answer(self) -> Tensor:
        """(b, t, width), once all cells have passed."""
        attention = self.question.attention
        seen = torch.unflatten(self.seen / self.shares, 1, (-1, attention.n_heads))
        values = torch.einsum("bthc,hdc->bthd", seen, _by_head(attention, attention.v_proj)).flatten(2)
        answer: Tensor = attention.out_proj(values + attention.v_proj.bias)
        return answer


def _turn(
    image: Strips, position: Strips, scores: Iterable[Tensor], message: Message, question: Question
) -> tuple[Cells, Tensor]:
    """Tell cells a message, and ask them."""
    told = _told(message)
    knowing = []
    look = _Look.begin(question)
    for before, place, score in zip(image, position, scores, strict=True):
        by_head = torch.unflatten(score, 2, (-1, message.attention.n_heads))
        # Token by token and then head by head: so the softmax over the tokens runs over rows of heads as wide as a
        # vector register, ten times as fast as the other way round.
        shares = by_head.softmax(dim=2).flatten(2)
        after = message.norm(torch.baddbmm(before.expand(len(told), -1, -1), shares, told))
        look.see(after, place)
        knowing.append(after)
    return AbsorbingCells(tuple(knowing), position), look.answer()


def _told(message: Message) -> Tensor:
    """What a cell gets from each head of each token: (b, t * heads, width)."""
    attention = message.attention
    out_of_head = attention.split(attention.out_proj.weight)  # (width, heads, head_width)
    told = torch.einsum("bthd,chd->bthc", attention.split(attention.v_proj(message.v)), out_of_head).flatten(1, 2)
    # Shares of a head add up to 1, so the rows add up to one bias.
    return told + attention.out_proj.bias / attention.n_heads


def _scaled(heads: Tensor) -> Tensor:
    return heads / math.sqrt(heads.shape[-1])


def _by_head(attention: DownscaledAttention, projection: nn.Linear) -> Tensor:
    """(heads, head_width, width)."""
    heads: Tensor = torch.unflatten(projection.weight, 0, (attention.n_heads, -1))
    return heads
