"""The loss of the paper (appendix A, "Losses"): focal and dice 20 : 1 for masks, squared error for predicted IoU."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

FOCAL_WEIGHT = 20.0
FOCAL_ALPHA = 0.25
FOCAL_GAMMA = 2.0


def focal_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Focal loss (arXiv 1708.02002) averaged over pixels: (..., h, w) twice to (...). The target is 0..1."""
    cross_entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    probability = logits.sigmoid()
    miss = probability * (1 - target) + (1 - probability) * target
    balance = FOCAL_ALPHA * target + (1 - FOCAL_ALPHA) * (1 - target)
    return (balance * miss**FOCAL_GAMMA * cross_entropy).mean(dim=(-2, -1))


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Dice loss (arXiv 1606.04797) with 1 added above and below: (..., h, w) twice to (...)."""
    probability = logits.sigmoid()
    overlap = (probability * target).sum(dim=(-2, -1))
    total = probability.sum(dim=(-2, -1)) + target.sum(dim=(-2, -1))
    return 1 - (2 * overlap + 1) / (total + 1)


def mask_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU of the thresholded masks: (..., h, w) twice to (...)."""
    mask, truth = logits > 0, target > 0.5
    overlap = (mask & truth).sum(dim=(-2, -1)).float()
    return overlap / (mask | truth).sum(dim=(-2, -1)).clamp(min=1)


def prompt_loss(logits: Tensor, predicted_iou: Tensor, target: Tensor, learns_every_iou: bool = False) -> Tensor:
    """The loss of one round of prompts, averaged over the prompts.

    Of several masks only the one of least mask loss learns, so that each can become the expert of one reading of
    an ambiguous prompt; the IoU head learns from that one too, or from all.

    Args:
        logits: (b, m, h, w).
        predicted_iou: (b, m).
        target: (b, h, w), 0..1.
        learns_every_iou: whether the IoU head learns from every mask, so that it learns to rank them.
    """
    wanted = target[:, None].expand_as(logits)
    mask_loss = FOCAL_WEIGHT * focal_loss(logits, wanted) + dice_loss(logits, wanted)
    best = mask_loss.argmin(dim=1, keepdim=True)
    iou_error = (predicted_iou - mask_iou(logits.detach(), wanted)) ** 2
    least = torch.gather(mask_loss, 1, best).mean()
    return least + (iou_error.mean() if learns_every_iou else torch.gather(iou_error, 1, best).mean())
