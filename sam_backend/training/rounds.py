"""One picture's lesson: prompts, answers, corrections, and the gradients of all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.sam import Sam
from sam_backend.training.clicks import correcting_points, noisy_boxes, random_points
from sam_backend.training.losses import mask_iou, prompt_loss
from sam_backend.training.sample import Sample, mask_box_xyxy

TARGET_CELL_PX = 4
"""The loss is taken on the cells of the logits. A cell's target is the share that the object covers, so borders are
learnt between cells all the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A sample as tensors, in model px of its own window."""

    rgb: Tensor
    """(1, 3, h, w), 0..255."""

    target: Tensor
    """(n, side / cell, side / cell): the share of each cell that an object covers, over the whole window."""

    box_xyxy: Tensor
    """(n, 4)."""


@dataclass(frozen=True, slots=True)
class LessonReport:
    """What came of a lesson, averaged over its masks."""

    loss: float
    first_iou: float
    """Of the mask trusted most after the first prompt."""

    last_iou: float
    """Of the mask trusted most after the last one."""


def make_lesson(sample: Sample, window_px: int) -> Lesson:
    """Make tensors of a sample; objects too small to fill half a cell are left out.

    Args:
        sample: no side over ``window_px``.
        window_px: side of the square that the network will see; what the sample leaves of it is filled with zeros.
    """
    n, height, width = sample.masks.shape
    square = np.zeros((n, window_px, window_px), np.float32)
    square[:, :height, :width] = sample.masks
    cells = window_px // TARGET_CELL_PX
    target = square.reshape(n, cells, TARGET_CELL_PX, cells, TARGET_CELL_PX).mean(axis=(2, 4))
    boxes = np.stack([mask_box_xyxy(mask) for mask in sample.masks])
    visible = (target > 0.5).any(axis=(1, 2))
    return Lesson(
        rgb=torch.tensor(sample.image.copy()).permute(2, 0, 1)[None].float(),
        target=torch.from_numpy(target[visible]),
        box_xyxy=torch.from_numpy(boxes[visible]),
    )


def learn(network: Sam, lesson: Lesson, n_rounds: int, scale: float, generator: torch.Generator) -> LessonReport:
    """Add the gradients of a lesson to the network's.

    The picture is encoded once; each round is back-propagated at once up to the embedding, and the sum of those
    gradients through the encoder at the end, so memory holds one round. See `learn_prompts`.
    """
    features = network.encode_image(lesson.rgb)
    encoded = (features.coarse, *features.fine)
    leaves = [part.detach().requires_grad_() for part in encoded]
    handed = ImageFeatures(coarse=leaves[0], fine=tuple(leaves[1:]))
    report = learn_prompts(network, handed, lesson, n_rounds, scale, generator)
    torch.autograd.backward(encoded, [leaf.grad for leaf in leaves])
    return report


def learn_prompts(
    network: Sam, features: ImageFeatures, lesson: Lesson, n_rounds: int, scale: float, generator: torch.Generator
) -> LessonReport:
    """Add the gradients of a lesson to those of the decoder, the prompt encoder and the features.

    Args:
        network: in training.
        features: of the lesson's picture.
        lesson: with at least one object.
        n_rounds: prompts per object: a point or a box, then corrections.
        scale: factor on the loss, 1 / pictures per step.
        generator: the only source of chance.
    """
    prompts = _first_prompts(lesson, network.image_size, generator)
    losses, ious = [], []
    for index in range(n_rounds):
        multimask = index == 0 and (prompts.box_xyxy is None or _coin(generator))
        low_res, predicted_iou = network.decode(features, prompts, multimask)
        logits = F.interpolate(low_res, lesson.target.shape[-2:], mode="bilinear", align_corners=False)
        loss = prompt_loss(logits, predicted_iou, lesson.target)
        torch.autograd.backward(loss * scale / n_rounds)
        trusted = predicted_iou.detach().argmax(dim=1)
        rows = torch.arange(len(trusted))
        answer = logits.detach()[rows, trusted]
        losses.append(float(loss.detach()))
        ious.append(float(mask_iou(answer, lesson.target).mean()))
        prompts = _corrected(prompts, answer, low_res.detach()[rows, trusted][:, None], lesson.target, generator)
    return LessonReport(loss=sum(losses) / n_rounds, first_iou=ious[0], last_iou=ious[-1])


def _first_prompts(lesson: Lesson, image_size: int, generator: torch.Generator) -> PromptTensors:
    n = len(lesson.target)
    if _coin(generator):
        points_xy = random_points(lesson.target > 0.5, TARGET_CELL_PX, generator)
        return PromptTensors(points_xy=points_xy, is_foreground=torch.ones(n, 1, dtype=torch.bool))
    return PromptTensors(
        points_xy=torch.zeros(n, 0, 2),
        is_foreground=torch.zeros(n, 0, dtype=torch.bool),
        box_xyxy=noisy_boxes(lesson.box_xyxy, image_size, generator),
    )


def _corrected(
    prompts: PromptTensors, answer: Tensor, low_res: Tensor, target: Tensor, generator: torch.Generator
) -> PromptTensors:
    points_xy, is_foreground = correcting_points(answer, target, TARGET_CELL_PX, generator)
    return replace(
        prompts,
        points_xy=torch.cat([prompts.points_xy, points_xy], dim=1),
        is_foreground=torch.cat([prompts.is_foreground, is_foreground], dim=1),
        # Half the time, for not every caller hands the last answer back in.
        mask_logits=low_res if _coin(generator) else None,
    )


def _coin(generator: torch.Generator) -> bool:
    return bool(torch.rand((), generator=generator) < 0.5)
