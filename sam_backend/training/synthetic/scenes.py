"""Generated scenes: textured shapes that cover each other."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sam_backend.training.augment import random_light
from sam_backend.training.sample import Sample

SMALLEST_VISIBLE_PX = 40


class GeneratedScenes:
    """An endless source of pictures that were never photographed."""

    def draw(self, rng: np.random.Generator, window_px: int, max_masks: int) -> Sample:
        """A new scene; drawn again in the rare case that nothing is visible in it."""
        while True:
            image, labels = _paint(window_px, window_px, rng)
            ids, areas_px = np.unique(labels[labels > 0], return_counts=True)
            visible = rng.permutation(ids[areas_px >= SMALLEST_VISIBLE_PX])[:max_masks]
            if len(visible):
                return Sample(image=random_light(image, rng), masks=labels[None] == visible[:, None, None])


def _paint(height: int, width: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    labels = np.zeros((height, width), np.int32)
    canvas = _texture(height, width, rng)
    largest_share = rng.uniform(0.05, 0.35)
    for index in range(1, int(rng.integers(4, 28)) + 1):
        radius_px = height * largest_share * rng.uniform(0.2, 1)
        shape = _draw_shape(_outline_xy(height, width, radius_px, rng), height, width)
        softened = shape.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1.5))))
        alpha = np.asarray(softened, np.float32)[..., None] / 255
        canvas += alpha * (_texture(height, width, rng) - canvas)
        labels[np.asarray(shape) > 127] = index
    return canvas.clip(0, 255).astype(np.uint8), labels


def _outline_xy(height: int, width: int, radius_px: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A closed outline (n, 2) in image px: a wavy ellipse, or a polygon of few corners."""
    angle, radius = _wavy_circle(rng) if rng.random() < 0.6 else _few_corners(rng)
    outline = radius_px * radius[:, None] * np.stack([np.cos(angle), rng.uniform(0.25, 1) * np.sin(angle)], axis=1)
    turn = rng.uniform(0, 2 * math.pi)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    centre_xy = rng.uniform(0, 1, 2) * np.array([width, height])
    outline_xy: NDArray[np.float64] = outline @ rotation.T + centre_xy
    return outline_xy


def _wavy_circle(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Angles (n,) and radii (n,) around 1."""
    angle = np.arange(48, dtype=np.float64) * (2 * math.pi / 48)
    radius = np.ones(len(angle))
    for order in range(2, 6):
        radius += rng.normal(0, 0.12 / order) * np.cos(order * angle + rng.uniform(0, 2 * math.pi))
    return angle, radius


def _few_corners(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    angle: NDArray[np.float64] = np.sort(rng.uniform(0, 2 * math.pi, int(rng.integers(3, 8))))
    return angle, np.ones(len(angle))


def _draw_shape(outline_xy: NDArray[np.float64], height: int, width: int) -> Image.Image:
    shape = Image.new("L", (width, height))
    ImageDraw.Draw(shape).polygon([(float(x), float(y)) for x, y in outline_xy], fill=255)
    return shape


def _texture(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(h, w, 3): a colour with a slope of light and noise of one random grain."""
    colour = rng.uniform(0, 255, 3)
    grain_px = rng.choice([2, 6, 20, 60])
    noise_hw = [max(2, round(side / grain_px)) for side in (height, width)]
    noise = Image.fromarray(rng.normal(0, 1, noise_hw).astype(np.float32))
    grain = np.asarray(noise.resize((width, height), Image.Resampling.BILINEAR))[..., None]
    slope = np.linspace(-1, 1, height)[:, None, None] * rng.normal(0, 15)
    tinted_grain = grain * (rng.uniform(0, 35) * rng.uniform(0.3, 1, 3)).astype(np.float32)
    return tinted_grain + (colour + slope).astype(np.float32)
