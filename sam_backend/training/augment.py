"""Random changes that keep a picture's objects what they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sam_backend.training.sample import Sample


def random_turn(sample: Sample, rng: np.random.Generator) -> Sample:
    """Turn by a multiple of 90 degrees and perhaps mirror."""
    quarter_turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    image, masks = np.rot90(sample.image, quarter_turns), np.rot90(sample.masks, quarter_turns, axes=(1, 2))
    return Sample(image=image[:, ::-1], masks=masks[:, :, ::-1]) if mirrored else Sample(image=image, masks=masks)


def random_light(image: NDArray[np.uint8], rng: np.random.Generator, negative_share: float = 0.15) -> NDArray[np.uint8]:
    """Change gamma, contrast and colour balance; sometimes turn light into dark or colour into grey.

    Args:
        image: (h, w, 3) RGB.
        rng: decides.
        negative_share: how often light becomes dark: what a microscope does, but hardly a camera.
    """
    curve = np.linspace(0, 1, 256, dtype=np.float32)[:, None] ** rng.uniform(0.5, 1.6)
    curve = (curve - 0.5) * rng.uniform(0.6, 1.3) + 0.5 + rng.uniform(-0.15, 0.15)
    curve = 255 * curve * rng.uniform(0.8, 1.2, size=3).astype(np.float32)
    if rng.random() < negative_share:
        curve = 255 - curve
    light = np.empty(image.shape, np.float32)
    for channel in range(3):
        light[..., channel] = curve[:, channel].take(image[..., channel])
    if rng.random() < 0.15:
        light[:] = (light @ np.full(3, 1 / 3, np.float32))[..., None]
    light += rng.standard_normal(light.shape, np.float32) * np.float32(255 * rng.uniform(0, 0.03))
    return np.rint(light.clip(0, 255, out=light), out=light).astype(np.uint8)
