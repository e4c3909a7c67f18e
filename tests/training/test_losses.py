import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.training.losses import dice_loss, focal_loss, mask_iou, prompt_loss


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def test_focal_loss_by_hand() -> None:
    logits = torch.tensor([[logit(0.8), logit(0.3)]])
    target = torch.tensor([[1.0, 0.0]])
    by_hand = (0.25 * 0.2**2 * -math.log(0.8) + 0.75 * 0.3**2 * -math.log(0.7)) / 2
    assert focal_loss(logits, target).item() == pytest.approx(by_hand)


def test_dice_loss_by_hand() -> None:
    logits = torch.tensor([[logit(0.8), logit(0.3)]])
    target = torch.tensor([[1.0, 0.0]])
    assert dice_loss(logits, target).item() == pytest.approx(1 - (2 * 0.8 + 1) / (0.8 + 0.3 + 1 + 1))


def test_mask_iou_by_hand() -> None:
    logits = torch.tensor([[5.0, 5.0], [-5.0, -5.0]])
    target = torch.tensor([[0.9, 0.1], [0.6, 0.0]])
    assert mask_iou(logits, target).item() == pytest.approx(1 / 3)
    assert mask_iou(-torch.ones(2, 2), torch.zeros(2, 2)).item() == 0


@given(seed=st.integers(0, 1000))
def test_losses_of_a_perfect_answer_are_least(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    target = (torch.rand(1, 6, 6, generator=generator) > 0.5).float()
    perfect, other = (target * 2 - 1) * 20, torch.randn(1, 6, 6, generator=generator)
    assert focal_loss(perfect, target) <= focal_loss(other, target)
    assert dice_loss(perfect, target) <= dice_loss(other, target)
    assert mask_iou(perfect, target) == (1 if target.any() else 0)


def test_only_the_best_of_three_masks_learns() -> None:
    target = torch.zeros(1, 4, 4)
    target[:, :2] = 1
    logits = torch.stack([-(target * 2 - 1), (target * 2 - 1), torch.zeros_like(target)], dim=1).requires_grad_()
    predicted_iou = torch.tensor([[0.1, 0.2, 0.3]], requires_grad=True)
    prompt_loss(logits, predicted_iou, target).backward()
    assert logits.grad is not None
    assert logits.grad[0, 1].abs().sum() > 0
    assert logits.grad[0, [0, 2]].abs().sum() == 0
    assert predicted_iou.grad is not None
    assert predicted_iou.grad[0].tolist() == pytest.approx([0, 2 * (0.2 - 1), 0])


def test_the_parts_add_up() -> None:
    target = torch.tensor([[[1.0, 0.0]]])
    logits, predicted_iou = torch.tensor([[[[2.0, -1.0]]]]), torch.tensor([[0.4]])
    parts = 20 * focal_loss(logits[0], target) + dice_loss(logits[0], target) + (0.4 - 1) ** 2
    assert prompt_loss(logits, predicted_iou, target).item() == pytest.approx(parts.item())
