"""The rounds of one lesson: a first prompt, answers, corrections, and the gradients of all of them (appendix A)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.sam import Sam
from sam_backend.training.clicks import correcting_points, noisy_boxes, random_points
from sam_backend.training.lesson import TARGET_CELL_PX, Lesson
from sam_backend.training.losses import mask_iou, prompt_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPlan:
    """What the simulated annotator does with each object. The defaults are the paper's."""

    n_rounds: int = 11
    """Prompts per object: a point or a box, then corrections."""

    n_mask_only_rounds: int = 2
    """Rounds without a new point: the last one, the others at random after the first."""

    mask_prompt_share: float = 1.0
    """How often a correction comes with the last answer's logits."""

    single_mask_share_for_boxes: float = 0.0
    """How often a box alone is answered by the single mask. The paper keeps that one for more than one prompt."""

    learns_every_iou: bool = False
    """Whether predicted IoU is learnt for all three masks, or for the one of least loss."""

    is_single_output: bool = False
    """The paper's ablation: never three masks."""

    is_bfloat16: bool = False
    """Whether the network computes in mixed precision (autocast)."""


@dataclass(frozen=True, slots=True)
class LessonReport:
    """What came of a lesson, averaged over its masks."""

    loss: float
    first_iou: float
    """Of the mask trusted most after the first prompt."""

    last_iou: float
    """Of the mask trusted most after the last one."""


SideLesson = Callable[[ImageFeatures, Lesson], Tensor]
"""A loss that the encoder learns from besides, whatever the prompts."""


def learn(
    network: Sam,
    lesson: Lesson,
    plan: RoundPlan,
    scale: float,
    generator: torch.Generator,
    side_lesson: SideLesson | None = None,
) -> LessonReport:
    """Add the gradients of a lesson to the network's.

    The picture is encoded once; each round is back-propagated at once up to the embedding, and the sum of those
    gradients through the encoder at the end, so memory holds one round. See `learn_prompts`.
    """
    with _precision(plan, lesson.rgb.device):
        features = network.encode_window(lesson.rgb, lesson.window_px, lesson.origin_xy)
    encoded = (features.coarse, *features.fine)
    if not features.coarse.requires_grad:  # the encoder is frozen
        return learn_prompts(network, features, lesson, plan, scale, generator)
    leaves = [part.detach().requires_grad_() for part in encoded]
    handed = replace(features, coarse=leaves[0], fine=tuple(leaves[1:]))
    report = learn_prompts(network, handed, lesson, plan, scale, generator)
    ends, gradients = list(encoded), [leaf.grad for leaf in leaves]
    if side_lesson is not None:
        ends.append(side_lesson(features, lesson) * scale)
        gradients.append(None)
    torch.autograd.backward(ends, gradients)
    return report


def learn_prompts(
    network: Sam, features: ImageFeatures, lesson: Lesson, plan: RoundPlan, scale: float, generator: torch.Generator
) -> LessonReport:
    """Add the gradients of a lesson to those of the decoder, the prompt encoder and the features.

    A coin says whether the annotator starts with points or boxes. It falls once a lesson, not once an object as in
    the paper, so that all objects are decoded together; over the pictures of a step that comes to the same.

    Args:
        network: in training.
        features: of the lesson's picture.
        lesson: with at least one object.
        plan: of the rounds.
        scale: factor on the loss, 1 / pictures per step.
        generator: the only source of chance.
    """
    prompts = first_prompts(lesson, _happens(0.5, generator), generator)
    losses, ious = [], []
    for brings_point in rounds(plan, generator):
        with _precision(plan, lesson.target.device):
            logits, predicted_iou = network.decode(
                features, _in_square(prompts, features, network), _wants_three(prompts, plan, generator)
            )
        logits, predicted_iou = logits.float(), predicted_iou.float()
        loss = prompt_loss(logits, predicted_iou, lesson.target, plan.learns_every_iou)
        torch.autograd.backward(loss * scale / plan.n_rounds)
        trusted = predicted_iou.detach().argmax(dim=1)
        answer = logits.detach()[torch.arange(len(trusted), device=trusted.device), trusted]
        losses.append(float(loss.detach()))
        ious.append(float(mask_iou(answer, lesson.target).mean()))
        prompts = _corrected(prompts, answer, lesson.target, brings_point, plan, generator)
    return LessonReport(loss=sum(losses) / len(losses), first_iou=ious[0], last_iou=ious[-1])


def rounds(plan: RoundPlan, generator: torch.Generator) -> Iterator[bool]:
    """For each round, whether a new point follows it; after the last one nothing follows."""
    without = set()
    if plan.n_mask_only_rounds:
        without.add(plan.n_rounds - 2)  # the last round brings no point
        middle = torch.randperm(max(0, plan.n_rounds - 2), generator=generator, device=generator.device)
        without.update(middle[: plan.n_mask_only_rounds - 1].tolist())
    return (index not in without for index in range(plan.n_rounds))


def first_prompts(lesson: Lesson, with_box: bool, generator: torch.Generator) -> PromptTensors:
    """A point uniform in each object, or its box drawn by an unsteady hand; in px of the window."""
    n, device = len(lesson.target), lesson.target.device
    if with_box:
        return PromptTensors(
            points_xy=torch.zeros(n, 0, 2, device=device),
            is_foreground=torch.zeros(n, 0, dtype=torch.bool, device=device),
            box_xyxy=noisy_boxes(lesson.box_xyxy, lesson.window_px, generator),
        )
    points_xy = random_points(lesson.target > 0.5, TARGET_CELL_PX, generator)
    return PromptTensors(points_xy=points_xy, is_foreground=torch.ones(n, 1, dtype=torch.bool, device=device))


def _wants_three(prompts: PromptTensors, plan: RoundPlan, generator: torch.Generator) -> bool:
    n_points, has_box = prompts.points_xy.shape[1], prompts.box_xyxy is not None
    if plan.is_single_output or n_points + has_box > 1 or prompts.mask_logits is not None:
        return False
    return not (has_box and _happens(plan.single_mask_share_for_boxes, generator))


def _in_square(prompts: PromptTensors, features: ImageFeatures, network: Sam) -> PromptTensors:
    """From px of the window to model px."""
    origin_px = prompts.points_xy.new_tensor(features.origin_xy) * (
        network.image_size // network.image_encoder.grid_size
    )
    box = prompts.box_xyxy
    return replace(
        prompts,
        points_xy=prompts.points_xy + origin_px,
        box_xyxy=None if box is None else box + origin_px.repeat(2),
    )


def _corrected(
    prompts: PromptTensors,
    answer: Tensor,
    target: Tensor,
    brings_point: bool,
    plan: RoundPlan,
    generator: torch.Generator,
) -> PromptTensors:
    with_mask = not brings_point or _happens(plan.mask_prompt_share, generator)
    prompts = replace(prompts, mask_logits=answer[:, None] if with_mask else None)
    if not brings_point:
        return prompts
    points_xy, is_foreground = correcting_points(answer, target, TARGET_CELL_PX, generator)
    return replace(
        prompts,
        points_xy=torch.cat([prompts.points_xy, points_xy], dim=1),
        is_foreground=torch.cat([prompts.is_foreground, is_foreground], dim=1),
    )


def _happens(share: float, generator: torch.Generator) -> bool:
    return bool(torch.rand((), generator=generator, device=generator.device) < share)


def _precision(plan: RoundPlan, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=plan.is_bfloat16)
