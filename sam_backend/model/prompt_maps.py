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
    from sam_backend.model.image_encoder import GridWindow
    from sam_backend.model.prompt_encoder import PromptTensors

N_MAPS = 4
"""The mask prompt, clicks on the object, clicks beside it, the box."""

CLICK_REACH_CELLS = 8.0
"""A click's drawing fades to 1/e at this distance."""


def draw_prompts(prompts: PromptTensors, window: GridWindow, cell_px: float) -> Tensor:
    """Draw a batch of prompts.

    Args:
        prompts: in model px.
        window: the part of the network's square to draw, in cells of its embedding.
        cell_px: side of a cell of the drawing, in model px; four of them fit along one of the embedding.

    Returns:
        (b, 4, 4 * window.height, 4 * window.width). The mask prompt between -1 and 1; for either kind of click 1 at
        the click, fading around it; for the box 1 at its centre, 0 on the ellipse that fills it, -1 far outside. 0
        where a kind is absent.
    """
    device = prompts.points_xy.device
    x = torch.arange(4 * window.width, device=device) + (4 * window.left + 0.5)
    y = (torch.arange(4 * window.height, device=device) + (4 * window.top + 0.5))[:, None]
    return torch.stack(
        [
            _draw_mask(prompts, x, y),
            _draw_clicks(prompts.points_xy / cell_px, prompts.is_foreground, x, y),
            _draw_clicks(prompts.points_xy / cell_px, ~prompts.is_foreground, x, y),
            _draw_box(prompts, cell_px, x, y),
        ],
        dim=1,
    )


def _blank(prompts: PromptTensors, x: Tensor, y: Tensor) -> Tensor:
    return prompts.points_xy.new_zeros(prompts.points_xy.shape[0], len(y), len(x))


def _draw_mask(prompts: PromptTensors, x: Tensor, y: Tensor) -> Tensor:
    if prompts.mask_logits is None:
        return _blank(prompts, x, y)
    return torch.tanh(prompts.mask_logits[:, 0].float() / 4).expand(prompts.points_xy.shape[0], -1, -1)


def _draw_clicks(points_xy: Tensor, is_wanted: Tensor, x: Tensor, y: Tensor) -> Tensor:
    b, n, _ = points_xy.shape
    if n == 0:
        return points_xy.new_zeros(b, len(y), len(x))
    at_x, at_y = points_xy[..., None, None].unbind(dim=2)
    distance = torch.hypot(x - at_x, y - at_y)  # (b, n, 4h, 4w)
    near = torch.exp(-distance / CLICK_REACH_CELLS) * is_wanted[..., None, None]
    return near.amax(dim=1)


def _draw_box(prompts: PromptTensors, cell_px: float, x: Tensor, y: Tensor) -> Tensor:
    if prompts.box_xyxy is None:
        return _blank(prompts, x, y)
    x0, y0, x1, y1 = (prompts.box_xyxy / cell_px)[..., None, None].unbind(dim=1)
    across = (2 * x - x0 - x1) / (x1 - x0)  # (b, 1, 4w)
    down = (2 * y - y0 - y1) / (y1 - y0)  # (b, 4h, 1)
    return (1 - across**2 - down**2).clamp(-1, 1)
