"""Things made of parts made of sub-parts: what the three masks of one click mean (paper section 3, "ambiguity")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sam_backend.training.synthetic.layers import Canvas, Layer
from sam_backend.training.synthetic.parts import Cover, Part, body_with_limbs, place_parts
from sam_backend.training.synthetic.placing import shadow_of
from sam_backend.training.synthetic.shapes import draw_cover, random_compact_shape, random_pose, random_shape
from sam_backend.training.synthetic.surfaces import surfaced

SMALLEST_WHOLE_PX = 18
SMALLEST_SPLIT_PART_PX = 14
DEEPEST = 2

NESTED_SHARE = 0.55
LIMBED_SHARE = 0.3
SPLIT_PART_SHARE = 0.6
SHADOW_SHARE = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A thing on a canvas."""

    number: int
    layer: Layer


def paint_thing(canvas: Canvas, side_px: float, left_px: int, top_px: int, rng: np.random.Generator) -> None:
    """A thing in a square of ``side_px``: plain, holding parts, or a body with limbs."""
    if side_px < SMALLEST_WHOLE_PX or rng.random() > NESTED_SHARE:
        paint_whole(canvas, draw_cover(random_shape(rng), side_px, random_pose(rng), rng), left_px, top_px, rng)
    elif rng.random() < LIMBED_SHARE:
        _paint_limbed(canvas, side_px, left_px, top_px, rng)
    else:
        cover = draw_cover(random_compact_shape(rng), side_px, random_pose(rng), rng)
        paint_parts(canvas, paint_whole(canvas, cover, left_px, top_px, rng), depth=1, rng=rng)


def paint_whole(canvas: Canvas, cover: Cover, left_px: int, top_px: int, rng: np.random.Generator) -> Painted:
    """A thing that is no part, at times with a shadow."""
    layer = surfaced(cover, left_px, top_px, rng)
    if rng.random() < SHADOW_SHARE:
        canvas.stain(shadow_of(layer, rng))
    return Painted(canvas.paint(layer), layer)


def paint_parts(canvas: Canvas, whole: Painted, depth: int, rng: np.random.Generator) -> None:
    """Parts inside a thing, and perhaps parts inside of those."""
    for part in place_parts(whole.layer.alpha, rng):
        painted = _paint_part(canvas, part, whole, rng)
        if depth < DEEPEST and min(part.cover.shape) >= SMALLEST_SPLIT_PART_PX and rng.random() < SPLIT_PART_SHARE:
            paint_parts(canvas, painted, depth + 1, rng)


def part_layer(part: Part, whole: Layer, rng: np.random.Generator) -> Layer:
    """A part with a texture of its own, where its whole is; a soft edge doesn't run out of the whole."""
    layer = surfaced(part.cover, whole.left_px + part.left_px, whole.top_px + part.top_px, rng)
    return layer.covering(np.minimum(layer.alpha, part.of(whole.alpha)))


def _paint_part(canvas: Canvas, part: Part, whole: Painted, rng: np.random.Generator) -> Painted:
    layer = part_layer(part, whole.layer, rng)
    return Painted(canvas.paint(layer, part_of=whole.number), layer)


def _paint_limbed(canvas: Canvas, side_px: float, left_px: int, top_px: int, rng: np.random.Generator) -> None:
    """The whole is body and limbs together; each of them is a part."""
    pieces = body_with_limbs(round(side_px), rng)
    together: Cover = np.max(pieces, axis=0)
    whole = paint_whole(canvas, together, left_px, top_px, rng)
    for cover in pieces:
        piece = _paint_part(canvas, Part(cover, left_px=0, top_px=0), whole, rng)
        if rng.random() < SPLIT_PART_SHARE / 2:
            paint_parts(canvas, piece, DEEPEST, rng)
