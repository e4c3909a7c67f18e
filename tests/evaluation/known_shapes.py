"""Shapes whose areas are known."""

import numpy as np


def disc(radius: float, centre_xy: tuple[float, float] = (40, 30), image_hw: tuple[int, int] = (60, 80)) -> np.ndarray:
    y, x = np.mgrid[: image_hw[0], : image_hw[1]] + 0.5
    return (x - centre_xy[0]) ** 2 + (y - centre_xy[1]) ** 2 <= radius**2


def painted(mask: np.ndarray, inside: int = 200, outside: int = 40, noise: float = 4) -> np.ndarray:
    """An RGB picture (h, w, 3) of a mask in two greys with a little noise."""
    grey = np.where(mask, inside, outside)[..., None]
    noisy = grey + np.random.default_rng(0).normal(0, noise, (*mask.shape, 3))
    return noisy.clip(0, 255).astype(np.uint8)
