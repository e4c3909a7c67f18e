"""The simulated annotator: a first point or box, then clicks where the answer is wrong (paper appendix A)."""

from __future__ import annotations

import torch
from torch import Tensor

BOX_NOISE_SHARE = 0.1
"""Standard deviation of a box corner, as a share of the box's side."""

BOX_NOISE_LIMIT_PX = 20.0
"""The most that a corner moves, in model px."""


def noisy_boxes(box_xyxy: Tensor, window_px: int, generator: torch.Generator) -> Tensor:
    """Draw boxes (b, 4) by an unsteady hand, in px of the window; they keep an area."""
    side = torch.stack([box_xyxy[:, 2] - box_xyxy[:, 0], box_xyxy[:, 3] - box_xyxy[:, 1]] * 2, dim=1)
    noise = torch.randn(box_xyxy.shape, generator=generator, device=generator.device) * BOX_NOISE_SHARE * side
    limit = (0.45 * side).clamp(max=BOX_NOISE_LIMIT_PX)
    return (box_xyxy + noise.clamp(-limit, limit)).clamp(0, window_px)


def random_points(region: Tensor, cell_px: int, generator: torch.Generator) -> Tensor:
    """A point uniform in each region: (b, h, w) bool, none empty, to (b, 1, 2) model px at the centres of cells."""
    width = region.shape[-1]
    index = torch.multinomial(region.flatten(1).float(), 1, generator=generator)
    return torch.stack([index % width, index // width], dim=-1).add(0.5).mul(cell_px)


def correcting_points(
    logits: Tensor, target: Tensor, cell_px: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A click uniform in what is wrong; in the object where nothing is.

    Args:
        logits: (b, h, w), the answer so far.
        target: (b, h, w), 0..1.
        cell_px: side of a cell of both, in model px.
        generator: the only source of chance.

    Returns:
        (b, 1, 2) model px and (b, 1) bool: True (foreground) where the object was missed.
    """
    truth = target > 0.5
    wrong = (logits > 0) != truth
    region = torch.where(wrong.any(dim=(1, 2), keepdim=True), wrong, truth)
    points_xy = random_points(region, cell_px, generator)
    column, row = points_xy[:, 0].div(cell_px).long().unbind(dim=1)
    return points_xy, truth[torch.arange(len(truth), device=truth.device), row, column][:, None]
