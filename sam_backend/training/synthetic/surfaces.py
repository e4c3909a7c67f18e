"""Making a layer of a cover: its texture, its shading and its edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sam_backend.training.synthetic.layers import Layer
from sam_backend.training.synthetic.parts import Cover
from sam_backend.training.synthetic.textures import draw_colour, draw_texture


def surfaced(cover: Cover, left_px: int, top_px: int, rng: np.random.Generator) -> Layer:
    """A cover (h, w) with a texture of its own; at times rounded by light, lined with an edge, or soft."""
    height, width = cover.shape
    colour = draw_texture(height, width, rng)
    if min(cover.shape) >= 8 and rng.random() < 0.45:
        colour = _rounded(colour, cover, rng) if rng.random() < 0.6 else _edged(colour, cover, rng)
    softness_px = rng.uniform(0, 1.2) if rng.random() < 0.5 else 0.0
    alpha = blurred(cover, softness_px) if softness_px > 0.3 else cover
    return Layer(colour=colour, alpha=alpha, left_px=left_px, top_px=top_px)


def blurred(cover: Cover, radius_px: float) -> Cover:
    """A cover (h, w), smoothed over a box."""
    image = Image.fromarray((255 * cover).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.BoxBlur(float(radius_px))), np.float32) / np.float32(255)


def _rounded(colour: NDArray[np.float32], cover: Cover, rng: np.random.Generator) -> NDArray[np.float32]:
    """Darker, or lighter, towards the edge."""
    height = blurred(cover, 0.15 * max(cover.shape))
    light = 1 + np.float32(rng.uniform(-0.35, 0.6)) * (height - 0.7)
    shaded: NDArray[np.float32] = (colour * light[..., None]).clip(0, 255)
    return shaded


def _edged(colour: NDArray[np.float32], cover: Cover, rng: np.random.Generator) -> NDArray[np.float32]:
    """With a line of another colour along the inside of the edge."""
    width_px = rng.uniform(0.8, max(1.0, 0.05 * max(cover.shape)))
    inside = (2 * blurred(cover, width_px) - 1).clip(0, 1)[..., None]
    edge = draw_colour(rng)
    lined: NDArray[np.float32] = edge + inside * (colour - edge)
    return lined
