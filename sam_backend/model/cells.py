"""How tokens and the cells of a picture attend to each other: the formula, and what spares work in inference.

`ProjectedCells` is the formula as the paper has it. `sam_backend.model.streamed_cells` has the two others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from torch import Tensor, nn

from sam_backend.model.downscaled_attention import DownscaledAttention

Strips: TypeAlias = "tuple[Tensor, ...]"
"""The cells of a picture (b or 1, n, ...), some rows of its grid at a time, from the top."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What tokens ask the cells."""

    attention: DownscaledAttention
    """From the tokens to the cells."""

    q: Tensor
    """(b, t, width)."""


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """What tokens have to tell the cells."""

    attention: DownscaledAttention
    """From the cells to the tokens."""

    norm: nn.LayerNorm
    """Of the cells, once they know."""

    k: Tensor
    """(b, t, width), and likewise ``v``."""

    v: Tensor


class Cells(Protocol):
    """A picture's cells between two layers."""

    @property
    def strips(self) -> Strips:
        """(b or 1, n, width)."""
        ...

    def answer(self, question: Question) -> Tensor:
        """What tokens see of the cells: (b, t, width)."""
        ...

    def turn(self, message: Message, question: Question) -> tuple[Cells, Tensor]:
        """The cells after a message, and their answer to the next question: known before, so both can go in step."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ProjectedCells:
    """Cells that are projected for each attention."""

    image: Tensor
    """(b or 1, n, width)."""

    position: Tensor
    """(1, n, width)."""

    @property
    def strips(self) -> Strips:
        """See `Cells`."""
        return (self.image,)

    def answer(self, question: Question) -> Tensor:
        """See `Cells`."""
        look: Tensor = question.attention(q=question.q, k=self.image + self.position, v=self.image)
        return look

    def turn(self, message: Message, question: Question) -> tuple[Cells, Tensor]:
        """See `Cells`."""
        seen = message.attention(q=self.image + self.position, k=message.k, v=message.v)
        told = ProjectedCells(message.norm(self.image + seen), self.position)
        return told, told.answer(question)
