"""Things made of parts made of sub-parts: what the three masks of one click mean (paper section 3, "ambiguity")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sam_backend.training.synthetic.layers import Canvas, Layer
from sam_backend.training.synthetic.parts import Cover, Part, body_with_limbs, place_parts
from sam_backend.training.synthetic.placing import shadow_of
from sam_backend.training.synthetic.shapes import draw_cover, random_compact_shape, random_pose, random_shape
from sam_backend.training.synthetic.surfaces import surfaced

SMALLEST_NESTED_PX = 18
SMALLEST_SPLIT_PX = 14
DEEPEST = 2

NESTED_SHARE = 0.5
LIMBED_SHARE = 0.3
SPLIT_SHARE = 0.6
SHADOW_SHARE = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A thing on a canvas."""

    number: int
    layer: Layer


def paint_thing(canvas: Canvas, side_px: float, x_px: float, y_px: float, rng: np.random.Generator) -> None:
    """A thing of about ``side_px`` around a point: plain, holding parts, or a body with limbs."""
    nested = side_px >= SMALLEST_NESTED_PX and rng.random() < NESTED_SHARE
    if nested and rng.random() < LIMBED_SHARE:
        cover, limbs = body_with_limbs(round(side_px), rng)
        whole = paint_whole(canvas, cover, x_px, y_px, rng)
        _paint_all(canvas, limbs, whole, depth=1, rng=rng)
        return
    shape = random_compact_shape(rng) if nested else random_shape(rng)
    whole = paint_whole(canvas, draw_cover(shape, side_px, random_pose(rng), rng), x_px, y_px, rng)
    if nested:
        paint_parts(canvas, whole, depth=1, rng=rng)


def paint_whole(canvas: Canvas, cover: Cover, x_px: float, y_px: float, rng: np.random.Generator) -> Painted:
    """A thing that is no part, its box around a point; at times with a shadow."""
    height, width = cover.shape
    layer = surfaced(cover, round(x_px - width / 2), round(y_px - height / 2), rng)
    if rng.random() < SHADOW_SHARE:
        canvas.stain(shadow_of(layer, rng))
    return Painted(canvas.paint(layer), layer)


def paint_parts(canvas: Canvas, whole: Painted, depth: int, rng: np.random.Generator) -> None:
    """Parts inside a thing, and perhaps parts inside of those."""
    _paint_all(canvas, place_parts(whole.layer.alpha, rng), whole, depth, rng)


def _paint_all(canvas: Canvas, parts: list[Part], whole: Painted, depth: int, rng: np.random.Generator) -> None:
    for part in parts:
        layer = part_layer(part, whole.layer, rng)
        painted = Painted(canvas.paint(layer, part_of=whole.number), layer)
        if depth < DEEPEST and min(part.cover.shape) >= SMALLEST_SPLIT_PX and rng.random() < SPLIT_SHARE:
            paint_parts(canvas, painted, depth + 1, rng)


def part_layer(part: Part, whole: Layer, rng: np.random.Generator) -> Layer:
    """A part with a texture of its own, where its whole is; a soft edge doesn't run out of the whole."""
    layer = surfaced(part.cover, whole.left_px + part.left_px, whole.top_px + part.top_px, rng)
    return layer.covering(np.minimum(layer.alpha, part.of(whole.alpha)))
