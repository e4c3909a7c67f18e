"""Before any prompt: learn which parts of a picture belong together.

The encoder alone learns, for every cell, whether the cells at certain offsets belong to the same object (affinities,
as in connectomics: arXiv 1706.00120). Every cell of a picture teaches something in every step, at a third of the cost
of a lesson with prompts, so a small encoder sees edges and extents of objects within minutes. The head that answers is
thrown away in the end.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sam_backend.errors import DatasetError
from sam_backend.model.conv_encoder import ConvImageEncoder
from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.sam import Sam
from sam_backend.training.chance import Chance
from sam_backend.training.lessons import LessonSource
from sam_backend.training.processes import Processes

DISTANCES = (1, 2, 4, 8, 16)
OFFSETS_XY = tuple(
    (x * distance, y * distance) for distance, (x, y) in itertools.product(DISTANCES, ((1, 0), (0, 1), (1, 1), (1, -1)))
)
"""In cells of the logits."""

LEARNING_RATE = 6e-4
N_WARMUP_STEPS = 50
LARGEST_GRADIENT_NORM = 0.1


def teach_seeing(
    network: Sam, lessons: LessonSource, n_steps: int, pictures_per_step: int, seed: int, processes: Processes
) -> list[float]:
    """Train a convolutional image encoder; the rest of the network stays as it is.

    Args:
        network: trained in place.
        lessons: their objects say what belongs together; the more of a picture's objects, the better.
        n_steps: how long; hundreds.
        pictures_per_step: over all processes.
        seed: of lessons and of the head.
        processes: those that share each step's pictures.

    Returns:
        The loss of each step, in this process.

    Raises:
        DatasetError: the encoder is of another kind.
    """
    torch.manual_seed(seed)
    encoder = network.image_encoder
    if not isinstance(encoder, ConvImageEncoder):
        raise DatasetError("only a convolutional encoder learns to see by affinities: start a ViT with --mae")
    device = next(network.parameters()).device
    head = AffinityHead(encoder).to(device)
    trained = [*network.image_encoder.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=LEARNING_RATE, betas=(0.9, 0.98))
    losses = []
    for step in range(n_steps):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / N_WARMUP_STEPS)
        losses.append(0.0)
        for picture in processes.share(pictures_per_step):
            chance = Chance.of(seed, step, picture, device)
            lesson = lessons.draw(chance.rng, chance.step_rng).lesson.to(device)
            loss = affinity_loss(head(network.encode_window(lesson.rgb, lesson.window_px)), lesson.target > 0.5)
            torch.autograd.backward(loss / pictures_per_step)
            losses[-1] += float(loss.detach()) * processes.world_size / pictures_per_step
        processes.add_gradients(trained)
        torch.nn.utils.clip_grad_norm_(trained, LARGEST_GRADIENT_NORM)
        optimizer.step()
        optimizer.zero_grad()
    return losses


def affinity_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Cross-entropy of "the cell at this offset belongs to the same object", over pairs that touch an object.

    Args:
        logits: (n_offsets, h, w), for each cell and the one at each of `OFFSETS_XY`.
        masks: (n, h, w) bool, objects that may lie in each other: the smallest one on top counts.
    """
    labels = _topmost(masks)
    losses = [_pair_loss(one, labels, x, y) for one, (x, y) in zip(logits, OFFSETS_XY, strict=True)]
    return torch.stack(losses).mean()


def _pair_loss(logits: Tensor, labels: Tensor, x: int, y: int) -> Tensor:
    """Of one offset, x >= 0; pairs of two cells without object say nothing, for not every object is labelled."""
    height, width = labels.shape
    rows, other_rows = slice(max(0, -y), height - max(0, y)), slice(max(0, y), height + min(0, y))
    here, there = labels[rows, : width - x], labels[other_rows, x:]
    counts = (here > 0) | (there > 0)
    loss = F.binary_cross_entropy_with_logits(logits[rows, : width - x], (here == there).float(), reduction="none")
    return (loss * counts).sum() / counts.sum().clamp(min=1)


def _topmost(masks: Tensor) -> Tensor:
    """(h, w): which object lies on top, counted from 1, the smallest on the others; 0 where there is none."""
    labels = torch.zeros(masks.shape[1:], dtype=torch.long, device=masks.device)
    for number, index in enumerate(masks.sum(dim=(1, 2)).argsort(descending=True), start=1):
        labels[masks[index]] = number
    return labels


class AffinityHead(nn.Module):
    """Says for every cell and offset whether both cells belong to the same object; linear in the features."""

    def __init__(self, encoder: ConvImageEncoder) -> None:
        super().__init__()
        width = encoder.out_width
        self.from_16, self.from_8, self.from_4 = (
            nn.Conv2d(width // share, len(OFFSETS_XY), kernel_size=1) for share in (1, 4, 8)
        )

    def forward(self, features: ImageFeatures) -> Tensor:
        """Logits (n_offsets, h, w) on the finest cells of one picture's features."""
        at_8, at_4 = features.fine
        logits = self.from_4(F.gelu(at_4))
        for head, level in ((self.from_8, F.gelu(at_8)), (self.from_16, features.coarse)):
            logits = logits + F.interpolate(head(level), logits.shape[-2:], mode="bilinear", align_corners=False)
        out: Tensor = logits[0]
        return out
