"""Generated scenes: textured things that hold parts, cover each other and stand in crowds."""

from __future__ import annotations

import math

import numpy as np

from sam_backend.training.sample import Sample
from sam_backend.training.synthetic.crowds import paint_lattice, paint_tissue
from sam_backend.training.synthetic.finish import finished
from sam_backend.training.synthetic.layers import Canvas
from sam_backend.training.synthetic.nesting import paint_thing
from sam_backend.training.synthetic.textures import draw_texture

SMALLEST_SIDE_PX = 7.0
LARGEST_SHARE = 0.9
"""Of the window: a turned or squeezed shape seldom fills its square."""

MOST_THINGS = 14
NEGATIVE_SHARE = 0.15
TISSUE_SHARE = 0.16
LATTICE_SHARE = 0.18


class GeneratedScenes:
    """An endless source of pictures that were never photographed."""

    def draw(self, rng: np.random.Generator, window_px: int, max_masks: int) -> Sample:
        """A new scene; drawn again in the rare case that nothing is visible in it."""
        while True:
            canvas = paint_scene(rng, window_px, window_px)
            chosen = canvas.draw_visible(rng, max_masks)
            if len(chosen):
                return Sample(image=finished(canvas.picture, rng, NEGATIVE_SHARE), masks=canvas.masks(chosen))


def paint_scene(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """A ground, perhaps a crowd on it, and things on that."""
    canvas = Canvas(draw_texture(height, width, rng))
    kind = rng.random()
    if kind < TISSUE_SHARE:
        paint_tissue(canvas, rng)
    elif kind < TISSUE_SHARE + LATTICE_SHARE:
        paint_lattice(canvas, rng)
    is_crowd = kind < TISSUE_SHARE + LATTICE_SHARE
    _scatter(canvas, int(rng.integers(0, 4) if is_crowd else rng.integers(1, MOST_THINGS + 1)), rng)
    return canvas


def _scatter(canvas: Canvas, n_things: int, rng: np.random.Generator) -> None:
    """Things of all sizes, each octave as common, their middles in the picture."""
    height, width = canvas.topmost.shape
    largest_px = min(height, width) * math.exp(rng.uniform(math.log(0.3), math.log(LARGEST_SHARE)))
    sides_px = np.exp(rng.uniform(math.log(SMALLEST_SIDE_PX), math.log(largest_px), n_things))
    sides_px[: n_things // 4 + 1] *= largest_px / sides_px[:1]
    for side_px in rng.permutation(sides_px.clip(SMALLEST_SIDE_PX, largest_px)):
        paint_thing(canvas, float(side_px), rng.uniform(0, width), rng.uniform(0, height), rng)
