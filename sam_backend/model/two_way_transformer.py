"""Tokens look at the picture and the picture looks back (paper appendix A, "Lightweight mask decoder")."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from sam_backend.model.cells import Cells, Message, Question, Strips
from sam_backend.model.downscaled_attention import DownscaledAttention
from sam_backend.model.layers import TransformerMlp
from sam_backend.model.streamed_cells import SharedCells, SharedProjections, in_strips, share_projections, view_cells


class TwoWayTransformer(nn.Module):
    """Blocks of token and image attention, then one last look of the tokens at the picture."""

    def __init__(self, width: int, depth: int = 2, mlp_width: int = 2048) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_TwoWayBlock(width, mlp_width, is_first=index == 0) for index in range(depth))
        self.final_attn_token_to_image = DownscaledAttention(width, width // 2)
        self.norm_final_attn = nn.LayerNorm(width)

    def forward(
        self, tokens: Tensor, image: Tensor, image_position: Tensor, shared: SharedProjections | None = None
    ) -> tuple[Tensor, Strips]:
        """Attend.

        Args:
            tokens: (b, t, width). Serve as their own positional encoding, as the paper says.
            image: (b or 1, g * g, width).
            image_position: (1, g * g, width).
            shared: of this very image, from `share`, to spare work.

        Returns:
            The tokens (b, t, width) and the image (b, g * g, width) after attention.
        """
        position = tokens
        first, *later = cast("list[_TwoWayBlock]", list(self.layers))
        batch, n_tokens, _ = tokens.shape
        cells: Cells = (
            SharedCells(in_strips(image, batch), in_strips(image_position, batch), shared)
            if shared
            else view_cells(image, image_position, batch, n_tokens)
        )
        tokens = first.self_attend(tokens, position)
        look = cells.answer(Question(first.cross_attn_token_to_image, tokens + position))
        for layer, following in zip((first, *later), (*later, None), strict=True):
            tokens = layer.take_in(tokens, look)
            message = Message(layer.cross_attn_image_to_token, layer.norm4, k=tokens + position, v=tokens)
            if following is not None:
                tokens = following.self_attend(tokens, position)
            attention = self.final_attn_token_to_image if following is None else following.cross_attn_token_to_image
            cells, look = cells.turn(message, Question(attention, tokens + position))
        return self.norm_final_attn(tokens + look), cells.strips

    def share(self, image: Tensor, image_position: Tensor) -> SharedProjections:
        """Project a picture (1, g * g, width) for the first layer, once for all prompts."""
        first = cast(_TwoWayBlock, self.layers[0])
        return share_projections(
            first.cross_attn_token_to_image, first.cross_attn_image_to_token, image, image_position
        )


class _TwoWayBlock(nn.Module):
    def __init__(self, width: int, mlp_width: int, is_first: bool) -> None:
        super().__init__()
        self.is_first = is_first
        self.self_attn = DownscaledAttention(width, width)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attn_token_to_image = DownscaledAttention(width, width // 2)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = TransformerMlp(width, mlp_width, nn.ReLU())
        self.norm3 = nn.LayerNorm(width)
        self.norm4 = nn.LayerNorm(width)
        self.cross_attn_image_to_token = DownscaledAttention(width, width // 2)

    def self_attend(self, tokens: Tensor, position: Tensor) -> Tensor:
        """The tokens (b, t, width) look at each other."""
        if self.is_first:  # the tokens are nothing but their position yet: no encoding to add, nothing to keep
            looked: Tensor = self.self_attn(q=tokens, k=tokens, v=tokens)
        else:
            q = tokens + position
            looked = tokens + self.self_attn(q=q, k=q, v=tokens)
        out: Tensor = self.norm1(looked)
        return out

    def take_in(self, tokens: Tensor, look: Tensor) -> Tensor:
        """The tokens (b, t, width) think about what they saw of the picture."""
        tokens = self.norm2(tokens + look)
        out: Tensor = self.norm3(tokens + self.mlp(tokens))
        return out
