"""Points, boxes and masks as tokens and as a picture of features (paper section 3 and appendix A)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from sam_backend.model.image_encoder import GridWindow
from sam_backend.model.layers import LayerNorm2d
from sam_backend.model.prompt_maps import N_MAPS, draw_prompts


@dataclass(frozen=True, slots=True, eq=False)
class PromptTensors:
    """A batch of prompts in model px, every member with the same kinds and counts."""

    points_xy: Tensor
    """(b, n, 2)."""

    is_foreground: Tensor
    """(b, n) bool."""

    box_xyxy: Tensor | None = None
    """(b, 4)."""

    mask_logits: Tensor | None = None
    """(b, 1, 4 * grid, 4 * grid), or four times the window."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPrompts:
    """Prompts as the mask decoder takes them."""

    tokens: Tensor
    """(b, t, c)."""

    dense: Tensor
    """(b or 1, c, g, g), to be added to the image embedding."""

    changes_image: bool
    """Whether ``dense`` comes from the prompts. If not, it is `PromptEncoder.dense_without_mask`, for any prompt."""

    detail: Tensor | None = None
    """(b, c/8, 4g, 4g), to be added at the decoder's finest step; None for the official networks."""


class PromptEncoder(nn.Module):
    """Embeds prompts in the width of the image embedding. Module names are those of the official weights.

    With ``draws_prompts`` points and boxes are drawn as maps besides; see `prompt_maps`.
    """

    def __init__(
        self, width: int, grid_size: int, image_size: int, mask_width: int = 16, draws_prompts: bool = False
    ) -> None:
        super().__init__()
        self.grid_size = grid_size
        self.image_size = image_size
        self.draws_prompts = draws_prompts
        self.pe_layer = RandomFourierPosition(width)
        # background point, foreground point, top-left corner, bottom-right corner
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, width) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, width)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(N_MAPS if draws_prompts else 1, mask_width // 4, kernel_size=2, stride=2),
            LayerNorm2d(mask_width // 4),
            nn.GELU(),
            nn.Conv2d(mask_width // 4, mask_width, kernel_size=2, stride=2),
            LayerNorm2d(mask_width),
            nn.GELU(),
            nn.Conv2d(mask_width, width, kernel_size=1),
        )
        self.no_mask_embed = nn.Embedding(1, width)
        self.map_detail = nn.Conv2d(N_MAPS, width // 8, kernel_size=3, padding=1) if draws_prompts else None

    def forward(self, prompts: PromptTensors, window: GridWindow) -> EncodedPrompts:
        """Embed a batch of prompts; ``window`` is the part of the grid that the image features cover."""
        tokens = []
        if prompts.points_xy.shape[1] > 0:
            tokens.append(self._embed_points(prompts, pad=prompts.box_xyxy is None))
        if prompts.box_xyxy is not None:
            tokens.append(self._embed_corners(prompts.box_xyxy))
        if not tokens:
            empty = self.no_mask_embed.weight.new_zeros(
                prompts.points_xy.shape[0], 0, self.no_mask_embed.weight.shape[1]
            )
            tokens.append(empty)
        if self.map_detail is None:
            has_mask = prompts.mask_logits is not None
            dense = self.mask_downscaling(prompts.mask_logits) if has_mask else self.dense_without_mask(window)
            return EncodedPrompts(torch.cat(tokens, dim=1), dense, changes_image=has_mask)
        maps = draw_prompts(prompts, window, cell_px=self.image_size / (4 * self.grid_size))
        maps = maps.to(self.no_mask_embed.weight.dtype)
        dense, detail = self.mask_downscaling(maps), self.map_detail(maps)
        return EncodedPrompts(torch.cat(tokens, dim=1), dense, changes_image=True, detail=detail)

    def dense_without_mask(self, window: GridWindow) -> Tensor:
        """What is added to a window of the image embedding where no mask is given: (1, width, height, width)."""
        return self.no_mask_embed.weight.view(1, -1, 1, 1).expand(1, -1, window.height, window.width)

    def grid_position(self, window: GridWindow) -> Tensor:
        """The positional encoding of the cells of a window of the grid: (1, width, window.height, window.width)."""
        device = self.no_mask_embed.weight.device
        x = (torch.arange(window.width, device=device, dtype=torch.float32) + window.left + 0.5) / self.grid_size
        y = (torch.arange(window.height, device=device, dtype=torch.float32) + window.top + 0.5) / self.grid_size
        y, x = torch.meshgrid(y, x, indexing="ij")
        position: Tensor = self.pe_layer(torch.stack([x, y], dim=-1))
        return position.permute(2, 0, 1)[None].to(self.no_mask_embed.weight.dtype)

    def _embed_points(self, prompts: PromptTensors, pad: bool) -> Tensor:
        position = self._position(prompts.points_xy)
        background, foreground, _, _ = self._kinds()
        points = position + torch.where(prompts.is_foreground[..., None], foreground, background)
        if not pad:
            return points
        # Trained with one spare token wherever there is no box.
        spare = self.not_a_point_embed.weight.expand(points.shape[0], 1, -1)
        return torch.cat([points, spare], dim=1)

    def _kinds(self) -> tuple[Tensor, ...]:
        return torch.cat([cast(nn.Embedding, kind).weight for kind in self.point_embeddings]).unbind()

    def _embed_corners(self, box_xyxy: Tensor) -> Tensor:
        position = self._position(box_xyxy.reshape(-1, 2, 2))
        _, _, top_left, bottom_right = self._kinds()
        return position + torch.stack([top_left, bottom_right])

    def _position(self, xy: Tensor) -> Tensor:
        """Encode model px; half a pixel is added because the official network was trained with pixel indices."""
        position: Tensor = self.pe_layer((xy + 0.5) / self.image_size)
        return position.to(self.no_mask_embed.weight.dtype)


class RandomFourierPosition(nn.Module):
    """Positions as sines and cosines of random projections (arXiv 2006.10739)."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, width // 2))

    def forward(self, xy: Tensor) -> Tensor:
        """Map (..., 2) within 0..1 to (..., width), always in float32: half precision can't hold the phase."""
        with torch.autocast(xy.device.type, enabled=False):
            phase = (2 * xy.float() - 1) @ self.positional_encoding_gaussian_matrix.float() * (2 * math.pi)
        return torch.cat([phase.sin(), phase.cos()], dim=-1)
