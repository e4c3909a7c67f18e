"""Tokens look at the picture and the picture looks back (paper appendix A, "Lightweight mask decoder")."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sam_backend.model.layers import TransformerMlp

HEAD_WIDTH = 32
"""Width of a self-attention head. The official decoder has 8 heads of 32; weights don't say it, so it is fixed."""


class TwoWayTransformer(nn.Module):
    """Blocks of token and image attention, then one last look of the tokens at the picture."""

    def __init__(self, width: int, depth: int = 2, mlp_width: int = 2048) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_TwoWayBlock(width, mlp_width, is_first=index == 0) for index in range(depth))
        self.final_attn_token_to_image = DownscaledAttention(width, width // 2)
        self.norm_final_attn = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, image: Tensor, image_position: Tensor) -> tuple[Tensor, Tensor]:
        """Attend.

        Args:
            tokens: (b, t, width). Serve as their own positional encoding, as the paper says.
            image: (b, g * g, width).
            image_position: (1, g * g, width).

        Returns:
            The tokens and the image after attention, same shapes.
        """
        position = tokens
        for layer in self.layers:
            tokens, image = layer(tokens, image, position, image_position)
        look = self.final_attn_token_to_image(q=tokens + position, k=image + image_position, v=image)
        return self.norm_final_attn(tokens + look), image


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

    def forward(self, tokens: Tensor, image: Tensor, position: Tensor, image_position: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.norm1(self._self_attend(tokens, position))
        look = self.cross_attn_token_to_image(q=tokens + position, k=image + image_position, v=image)
        tokens = self.norm2(tokens + look)
        tokens = self.norm3(tokens + self.mlp(tokens))
        look_back = self.cross_attn_image_to_token(q=image + image_position, k=tokens + position, v=tokens)
        return tokens, self.norm4(image + look_back)

    def _self_attend(self, tokens: Tensor, position: Tensor) -> Tensor:
        if self.is_first:  # the tokens are nothing but their position yet: no encoding to add, nothing to keep
            replaced: Tensor = self.self_attn(q=tokens, k=tokens, v=tokens)
            return replaced
        q = tokens + position
        out: Tensor = tokens + self.self_attn(q=q, k=q, v=tokens)
        return out


class DownscaledAttention(nn.Module):
    """Multi-head attention inside a width that may be smaller than that of its input."""

    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.n_heads = width // HEAD_WIDTH
        self.q_proj = nn.Linear(width, inner_width)
        self.k_proj = nn.Linear(width, inner_width)
        self.v_proj = nn.Linear(width, inner_width)
        self.out_proj = nn.Linear(inner_width, width)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Map queries (b, n, width) with keys and values (b, m, width) to (b, n, width)."""
        heads = (self._split(self.q_proj(q)), self._split(self.k_proj(k)), self._split(self.v_proj(v)))
        attended = F.scaled_dot_product_attention(*heads).transpose(1, 2)
        out: Tensor = self.out_proj(torch.flatten(attended, start_dim=2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.n_heads, -1).transpose(1, 2)  # (b, heads, n, head_width)
