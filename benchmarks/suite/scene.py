"""Pictures, masks and logits to measure on, made from seeds: nothing has to be fetched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def picture(image_hw: tuple[int, int], seed: int = 0, n_discs: int = 120) -> NDArray[np.uint8]:
    """Coloured ellipses over one another, with some noise, (h, w, 3)."""
    rng = np.random.default_rng(seed)
    height, width = image_hw
    y, x = np.ogrid[:height, :width]
    image = np.full((height, width, 3), (90, 120, 70), np.uint8)
    for _ in range(n_discs):
        radius = np.exp(rng.uniform(np.log(0.02), np.log(0.2))) * height
        centre_y, centre_x, stretch = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(0.6, 1.7)
        image[((x - centre_x) / stretch) ** 2 + ((y - centre_y) * stretch) ** 2 < radius**2] = rng.integers(0, 256, 3)
    noise = rng.integers(-8, 9, image.shape, np.int16)
    return (image + noise).clip(0, 255).astype(np.uint8)


def mask(image_hw: tuple[int, int], *, is_ragged: bool) -> NDArray[np.bool_]:
    """A disc of 0.4 of the short side; ragged: its radius is noisy from pixel to pixel, by 3 px on a width of 800."""
    height, width = image_hw
    y, x = np.mgrid[:height, :width].astype(np.float32)
    radius_px = np.full(image_hw, 0.4 * min(image_hw), np.float32)
    if is_ragged:
        radius_px += np.random.default_rng(0).normal(0, 3 * width / 800, image_hw)
    disc: NDArray[np.bool_] = np.hypot(x - width / 2, y - height / 2) < radius_px
    return disc


def blob_logits(n: int, seen_hw: tuple[float, float], side: int = 256, seed: int = 0) -> NDArray[np.float32]:
    """Logits (n, side, side) of wobbly discs of 3 to 60 cells radius, as steep and as rough as a decoder's.

    Args:
        n: how many.
        seen_hw: how many rows and columns the picture covers; the discs' centres lie in there.
        side: of the decoder's logits.
        seed: of the discs.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    return np.stack([_blob(rng, y, x, seen_hw) for _ in range(n)])


def _blob(
    rng: np.random.Generator, y: NDArray[np.float32], x: NDArray[np.float32], seen_hw: tuple[float, float]
) -> NDArray[np.float32]:
    centre_y, centre_x = (rng.uniform(0, side) for side in seen_hw)
    radius = np.exp(rng.uniform(np.log(3), np.log(60)))
    angle = np.arctan2(y - centre_y, x - centre_x)
    wobble = 1 + 0.15 * np.sin(3 * angle + rng.uniform(0, 6)) + 0.08 * np.sin(7 * angle + rng.uniform(0, 6))
    inside = (radius * wobble - np.hypot(y - centre_y, x - centre_x)) * 2.5
    return (inside.clip(-15, 12) + rng.normal(0, 0.15, y.shape)).astype(np.float32)
