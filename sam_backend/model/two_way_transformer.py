"""Tokens look at the picture and the picture looks back (paper appendix A, "Lightweight mask decoder")."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from sam_backend.model.cells import Cells, SharedCells, SharedProjections, share_projections, view_cells
from sam_backend.model.downscaled_attention import DownscaledAttention
from sam_backend.model.layers import TransformerMlp


class TwoWayTransformer(nn.Module):
    """Blocks of token and image attention, then one last look of the tokens at the picture."""

    def __init__(self, width: int, depth: int = 2, mlp_width: int = 2048) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_TwoWayBlock(width, mlp_width, is_first=index == 0) for index in range(depth))
        self.final_attn_token_to_image = DownscaledAttention(width, width // 2)
        self.norm_final_attn = nn.LayerNorm(width)

    def forward(
        self, tokens: Tensor, image: Tensor, image_position: Tensor, shared: SharedProjections | None = None
    ) -> tuple[Tensor, Tensor]:
        """Attend.

        Args:
            tokens: (b, t, width). Serve as their own positional encoding, as the paper says.
            image: (b or 1, g * g, width).
            image_position: (1, g * g, width).
            shared: of this very image, from `share`, to spare work.

        Returns:
            The tokens (b, t, width) and the image (b, g * g, width) after attention.
        """
        position, n_tokens = tokens, tokens.shape[1]
        cells: Cells = SharedCells(image, shared) if shared else view_cells(image, image_position, n_tokens)
        for layer in self.layers:
            tokens, image = layer(tokens, position, cells)
            cells = view_cells(image, image_position, n_tokens)
        look = cells.answer(self.final_attn_token_to_image, tokens + position)
        return self.norm_final_attn(tokens + look), image

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

    def forward(self, tokens: Tensor, position: Tensor, cells: Cells) -> tuple[Tensor, Tensor]:
        tokens = self.norm1(self._self_attend(tokens, position))
        tokens = self.norm2(tokens + cells.answer(self.cross_attn_token_to_image, tokens + position))
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = cells.look_back(self.cross_attn_image_to_token, k=tokens + position, v=tokens)
        return tokens, self.norm4(image)

    def _self_attend(self, tokens: Tensor, position: Tensor) -> Tensor:
        if self.is_first:  # the tokens are nothing but their position yet: no encoding to add, nothing to keep
            replaced: Tensor = self.self_attn(q=tokens, k=tokens, v=tokens)
            return replaced
        q = tokens + position
        out: Tensor = tokens + self.self_attn(q=q, k=q, v=tokens)
        return out
