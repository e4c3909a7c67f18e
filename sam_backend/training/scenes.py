"""Generated scenes: textured shapes that cover each other, and soft bright blobs on dark ground."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sam_backend.training.augment import random_light
from sam_backend.training.sample import Sample

SMALLEST_VISIBLE_PX = 60


class GeneratedScenes:
    """An endless source of pictures that were never photographed."""

    def __init__(self, size_px: int = 384) -> None:
        """Remember the size.

        Args:
            size_px: long side of the scenes, in image px.
        """
        self._size_px = size_px

    def draw(self, rng: np.random.Generator, max_masks: int) -> Sample:
        """A new scene; drawn again in the rare case that nothing is visible in it."""
        while True:
            height, width = self._size_px, round(self._size_px * rng.uniform(0.6, 1))
            image, labels = _paint(height, width, rng)
            ids, areas_px = np.unique(labels[labels > 0], return_counts=True)
            visible = rng.permutation(ids[areas_px >= SMALLEST_VISIBLE_PX])[:max_masks]
            if len(visible):
                return Sample(image=random_light(image, rng), masks=labels[None] == visible[:, None, None])


def _paint(height: int, width: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    labels = np.zeros((height, width), np.int32)
    canvas = _texture(height, width, rng)
    largest = rng.uniform(0.05, 0.35)
    for index in range(1, int(rng.integers(4, 28)) + 1):
        radius_px = height * largest * rng.uniform(0.2, 1)
        shape = _draw_shape(_outline_xy(height, width, radius_px, rng), height, width)
        softness_px = float(rng.uniform(0, 1.5))
        alpha = np.asarray(shape.filter(ImageFilter.GaussianBlur(softness_px)), np.float32)[..., None] / 255
        canvas = canvas * (1 - alpha) + _texture(height, width, rng) * alpha
        labels[np.asarray(shape) > 127] = index
    return canvas.clip(0, 255).astype(np.uint8), labels


def _outline_xy(height: int, width: int, radius_px: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A closed outline (n, 2): a wavy ellipse, or a polygon of few corners."""
    is_round = rng.random() < 0.6
    n_corners = 48 if is_round else int(rng.integers(3, 8))
    angle = np.sort(rng.uniform(0, 2 * math.pi, n_corners)) if not is_round else np.linspace(0, 2 * math.pi, n_corners)
    wave = (
        sum(rng.normal(0, 0.12 / k) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in range(2, 6)) if is_round else 0
    )
    radius = radius_px * (1 + wave)
    outline = np.stack([radius * np.cos(angle), radius * rng.uniform(0.25, 1) * np.sin(angle)], axis=1)
    turn = rng.uniform(0, 2 * math.pi)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    centre_xy = rng.uniform(0, 1, 2) * (width, height)
    return outline @ rotation.T + centre_xy


def _draw_shape(outline_xy: NDArray[np.float64], height: int, width: int) -> Image.Image:
    shape = Image.new("L", (width, height))
    ImageDraw.Draw(shape).polygon([(float(x), float(y)) for x, y in outline_xy], fill=255)
    return shape


def _texture(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(h, w, 3): a colour with a slope of light and noise of one random grain."""
    colour = rng.uniform(0, 255, 3)
    grain_hw = [max(2, round(side / rng.choice([2, 6, 20, 60]))) for side in (height, width)]
    noise = Image.fromarray(rng.normal(0, 1, grain_hw).astype(np.float32))
    grain = np.asarray(noise.resize((width, height), Image.Resampling.BILINEAR))[..., None]
    slope = np.linspace(-1, 1, height)[:, None, None] * rng.normal(0, 15)
    return (colour + slope + grain * rng.uniform(0, 35) * rng.uniform(0.3, 1, 3)).astype(np.float32)
