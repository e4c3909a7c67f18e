"""Before any picture: learn what a click and a box mean.

On a blank picture the best answer to a click is a blob around it, to a box the ellipse in it. A network that knows
this has something to improve on by looking; one that doesn't answers "nothing" for a long time, because small objects
fill so little of a picture that "nothing" is hardly wrong.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.sam import Sam
from sam_backend.training.lesson import TARGET_CELL_PX, Lesson
from sam_backend.training.rounds import LessonReport, RoundPlan, learn_prompts

RADIUS_SHARE = (0.02, 0.3)
"""Of the side of the window; every order of magnitude as often."""

LEARNING_RATE = 6e-4
LARGEST_GRADIENT_NORM = 0.1
WINDOW_PX = 256
ROUNDS = RoundPlan(n_rounds=2, n_mask_only_rounds=0, mask_prompt_share=0.5, single_mask_share_for_boxes=0.5)


def teach_pointing(network: Sam, n_steps: int, n_masks: int, seed: int) -> list[LessonReport]:
    """Train decoder and prompt encoder on ellipses that can't be seen; the image encoder stays as it is.

    Args:
        network: newly initialised; trained in place.
        n_steps: how long; a hundred show first results, a few hundred suffice.
        n_masks: ellipses a step.
        seed: of ellipses and prompts.
    """
    device = next(network.parameters()).device
    rng, generator = np.random.default_rng(seed), torch.Generator(device).manual_seed(seed)
    trained = [*network.prompt_encoder.parameters(), *network.mask_decoder.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=LEARNING_RATE, betas=(0.9, 0.98))
    window_px = min(WINDOW_PX, network.image_size)
    with torch.no_grad():
        features = network.encode_window(torch.zeros(1, 3, window_px, window_px, device=device), window_px)
    n_places = network.image_encoder.grid_size - features.coarse.shape[-1] + 1
    reports = []
    for _ in range(n_steps):
        left, top = rng.integers(n_places, size=2).tolist()
        lesson = _ellipses(n_masks, window_px, rng).to(device)
        reports.append(_step(network, replace(features, origin_xy=(left, top)), optimizer, lesson, generator))
    return reports


def _step(
    network: Sam, features: ImageFeatures, optimizer: torch.optim.Optimizer, lesson: Lesson, generator: torch.Generator
) -> LessonReport:
    report = learn_prompts(network, features, lesson, ROUNDS, 1.0, generator)
    for group in optimizer.param_groups:
        torch.nn.utils.clip_grad_norm_(group["params"], LARGEST_GRADIENT_NORM)
    optimizer.step()
    optimizer.zero_grad()
    return report


def _ellipses(n_masks: int, size: int, rng: np.random.Generator) -> Lesson:
    low, high = (math.log(share * size) for share in RADIUS_SHARE)
    radius_xy = np.exp(rng.uniform(low, high, (n_masks, 1))) * rng.uniform(0.5, 1, (n_masks, 2))
    radius_xy = radius_xy.clip(TARGET_CELL_PX)  # a smaller one could lie between the cells
    centre_xy = rng.uniform(0, size, (n_masks, 2))
    corners = np.concatenate([centre_xy - radius_xy, centre_xy + radius_xy], axis=1)
    return Lesson(
        rgb=torch.zeros(1, 3, size, size),
        target=torch.from_numpy(_inside(centre_xy, radius_xy, size)),
        box_xyxy=torch.from_numpy(corners.clip(0, size).astype(np.float32)),
    )


def _inside(centre_xy: NDArray[np.float64], radius_xy: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    """(n, cells, cells): 1 in each ellipse."""
    at = (np.arange(size // TARGET_CELL_PX) + 0.5) * TARGET_CELL_PX
    x = ((at - centre_xy[:, :1]) / radius_xy[:, :1]) ** 2
    y = ((at - centre_xy[:, 1:]) / radius_xy[:, 1:]) ** 2
    inside: NDArray[np.float32] = (x[:, None, :] + y[:, :, None] <= 1).astype(np.float32)
    return inside
