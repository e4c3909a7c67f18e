"""Prompts drawn as pictures, for networks that want them so besides the paper's tokens.

A token tells where a click is by the phase of sines and cosines, which takes long to learn to read to the pixel. A
drawing of the same click or box needs no reading, so small networks learn from it within minutes; the idea is that of
interactive segmentation before SAM (disks for clicks, arXiv 2102.06583).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from sam_backend.model.prompt_encoder import PromptTensors

N_MAPS = 4
"""The mask prompt, clicks on the object, clicks beside it, the box."""

CLICK_REACH_CELLS = 8.0
"""A click's drawing fades to 1/e at this distance."""


def draw_prompts(prompts: PromptTensors, size: int, image_size: int) -> Tensor:
    """Draw a batch of prompts.

    Args:
        prompts: in model px.
        size: side of the drawing, in cells; the same as that of a mask prompt.
        image_size: side of the network's square, in model px.

    Returns:
        (b, 4, size, size). The mask prompt between -1 and 1; for either kind of click 1 at the click, fading around
        it; for the box 1 at its centre, 0 on the ellipse that fills it, -1 far outside. 0 where a kind is absent.
    """
    cell_px = image_size / size
    centres = torch.arange(size, device=prompts.points_xy.device) + 0.5
    return torch.stack(
        [
            _draw_mask(prompts, size),
            _draw_clicks(prompts.points_xy / cell_px, prompts.is_foreground, centres),
            _draw_clicks(prompts.points_xy / cell_px, ~prompts.is_foreground, centres),
            _draw_box(prompts, cell_px, centres),
        ],
        dim=1,
    )


def _draw_mask(prompts: PromptTensors, size: int) -> Tensor:
    b = prompts.points_xy.shape[0]
    if prompts.mask_logits is None:
        return prompts.points_xy.new_zeros(b, size, size)
    return torch.tanh(prompts.mask_logits[:, 0].float() / 4).expand(b, -1, -1)


def _draw_clicks(points_xy: Tensor, is_wanted: Tensor, centres: Tensor) -> Tensor:
    b, n, _ = points_xy.shape
    if n == 0:
        return points_xy.new_zeros(b, len(centres), len(centres))
    x, y = points_xy.unbind(dim=-1)
    distance = torch.hypot(centres - x[..., None, None], centres[:, None] - y[..., None, None])  # (b, n, size, size)
    near = torch.exp(-distance / CLICK_REACH_CELLS) * is_wanted[..., None, None]
    return near.amax(dim=1)


def _draw_box(prompts: PromptTensors, cell_px: float, centres: Tensor) -> Tensor:
    if prompts.box_xyxy is None:
        return prompts.points_xy.new_zeros(prompts.points_xy.shape[0], len(centres), len(centres))
    x0, y0, x1, y1 = (prompts.box_xyxy / cell_px)[..., None, None].unbind(dim=1)
    x = (2 * centres - x0 - x1) / (x1 - x0)  # (b, 1, size)
    y = (2 * centres[:, None] - y0 - y1) / (y1 - y0)
    return (1 - x**2 - y**2).clamp(-1, 1)
