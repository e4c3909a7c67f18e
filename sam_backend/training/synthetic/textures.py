"""Surfaces: a colour with light falling on it, and a pattern or a grain of some size."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Colour = NDArray[np.float32]
"""(3,) RGB, 0 to 255."""

Pattern = Callable[[int, int, np.random.Generator], NDArray[np.float32]]


SMALLEST_PATTERN_PX = 10
"""On something smaller, no more than a colour is seen."""


def draw_texture(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(h, w, 3) RGB, 0 to 255: a random colour, with light falling on it and one or two random patterns."""
    colour = draw_colour(rng)
    patterns, changes = _draw_patterns(height, width, colour, rng)
    if not patterns:
        return np.broadcast_to(colour, (height, width, 3)).copy()
    surface = np.tensordot(np.stack(patterns), np.stack(changes), axes=(0, 0))  # (h, w, 3)
    surface += colour
    return surface.clip(0, 255, out=surface)


def _draw_patterns(
    height: int, width: int, colour: Colour, rng: np.random.Generator
) -> tuple[list[NDArray[np.float32]], list[Colour]]:
    """Patterns (h, w) about 0, and how much each changes the colour."""
    patterns: list[NDArray[np.float32]] = []
    changes: list[Colour] = []
    if min(height, width) < SMALLEST_PATTERN_PX:
        return patterns, changes
    for _ in range(int(rng.choice(3, p=(0.15, 0.6, 0.25)))):
        patterns.append(_PATTERNS[int(rng.choice(len(_PATTERNS), p=_PATTERN_SHARES))](height, width, rng))
        changes.append((draw_colour(rng) - colour) * np.float32(rng.uniform(0.1, 0.6)))
    if rng.random() < 0.5:
        patterns.append(_slope(height, width, rng))
        changes.append(np.ones(3, np.float32))
    return patterns, changes


def draw_colour(rng: np.random.Generator) -> Colour:
    """Half of them pale, because most things are."""
    spread = rng.uniform(0, 40) if rng.random() < 0.5 else rng.uniform(40, 130)
    return (rng.uniform(10, 245) + spread * rng.uniform(-1, 1, 3)).clip(0, 255).astype(np.float32)


def grain(height: int, width: int, grain_px: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """(h, w): noise about 0 with a deviation near 1, smooth over ``grain_px``."""
    rows, columns = (max(2, math.ceil(side / grain_px) + 1) for side in (height, width))
    noise = rng.standard_normal((rows, columns), np.float32)
    if grain_px <= 1:
        return noise[:height, :width]
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def _one_grain(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    return grain(height, width, float(rng.choice([1, 2, 3, 6, 12, 30, 80])), rng) * np.float32(0.6)


def _clouds(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Grains of several sizes, the larger the stronger: bark, clouds, soil."""
    largest_px = rng.uniform(6, 60)
    total = np.zeros((height, width), np.float32)
    for octave in range(3):
        total += grain(height, width, max(1.0, largest_px / 2.5**octave), rng) * np.float32(0.6**octave)
    return total * np.float32(0.5)


def _stripes(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    along, _ = _turned_axes(height, width, rng)
    wobble = grain(height, width, 40, rng) * np.float32(rng.choice([0, 0.6, 1.5]))
    waves: NDArray[np.float32] = np.sin(along * np.float32(2 * math.pi / _period_px(rng)) + wobble)
    return waves if rng.random() < 0.5 else np.sign(waves)


def _checker(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    along, across = _turned_axes(height, width, rng)
    scale = np.float32(2 * math.pi / _period_px(rng))
    squares: NDArray[np.float32] = np.sign(np.sin(along * scale) * np.sin(across * scale))
    return squares


def _speckle(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Spots of one size, some close together: gravel, foam, granules."""
    spots = grain(height, width, float(rng.choice([1, 2, 4, 8])), rng)
    return (spots > rng.uniform(0.8, 2)).astype(np.float32) * np.float32(rng.choice([-1.5, 1.5]))


def _weave(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    along, across = _turned_axes(height, width, rng)
    scale = np.float32(2 * math.pi / rng.uniform(3, 10))
    threads: NDArray[np.float32] = (np.sin(along * scale) + np.sin(across * scale)) * np.float32(0.5)
    return threads


_PATTERNS: tuple[Pattern, ...] = (_one_grain, _clouds, _stripes, _checker, _speckle, _weave)
_PATTERN_SHARES = (0.3, 0.25, 0.17, 0.06, 0.14, 0.08)


def _period_px(rng: np.random.Generator) -> float:
    return math.exp(rng.uniform(math.log(4), math.log(50)))


def _turned_axes(height: int, width: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two coordinates (h, w) in px at right angles, turned at random."""
    turn = rng.uniform(0, math.pi)
    cosine, sine = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    x, y = np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]
    return cosine * x + sine * y, cosine * y - sine * x


def _slope(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Light that fades from one side to the other, more often hardly than much."""
    along, _ = _turned_axes(height, width, rng)
    strength = rng.exponential(25)
    slope: NDArray[np.float32] = (along - along.mean()) * np.float32(strength / max(1.0, float(np.ptp(along))) * 2)
    return slope
