"""Random changes that keep a picture's objects what they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def random_crop(
    image: NDArray[np.uint8], labels: NDArray[np.int32], rng: np.random.Generator, smallest_share: float = 0.4
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Cut one window out of a picture (h, w, 3) and its labels (h, w); each side keeps ``smallest_share`` or more."""
    height, width = labels.shape
    crop_h, crop_w = (max(32, round(side * rng.uniform(smallest_share, 1))) for side in (height, width))
    top, left = (rng.integers(0, max(1, side - crop + 1)) for side, crop in ((height, crop_h), (width, crop_w)))
    window = (slice(top, top + crop_h), slice(left, left + crop_w))
    return image[window], labels[window]


def random_turn(
    image: NDArray[np.uint8], labels: NDArray[np.int32], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Turn by a multiple of 90 degrees and perhaps mirror."""
    quarter_turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    image, labels = np.rot90(image, quarter_turns), np.rot90(labels, quarter_turns)
    return (image[:, ::-1], labels[:, ::-1]) if mirrored else (image, labels)


def random_light(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Change gamma, contrast and colour balance; sometimes turn light into dark or colour into grey."""
    light = image.astype(np.float32) / 255
    light = light ** rng.uniform(0.5, 1.6)
    light = (light - 0.5) * rng.uniform(0.6, 1.3) + 0.5 + rng.uniform(-0.15, 0.15)
    light = light * rng.uniform(0.8, 1.2, size=3).astype(np.float32)
    if rng.random() < 0.15:
        light = 1 - light
    if rng.random() < 0.15:
        light = np.broadcast_to(light.mean(axis=2, keepdims=True), light.shape)
    light = light + rng.normal(0, rng.uniform(0, 0.03), light.shape)
    return np.round(255 * light.clip(0, 1)).astype(np.uint8)
