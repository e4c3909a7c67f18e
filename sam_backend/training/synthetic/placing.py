"""Making a layer of a cut-out: its size, turn, colours and edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from sam_backend.training.synthetic.layers import Layer


def turned_cutout(cutout: Image.Image, side_px: float, rng: np.random.Generator) -> Image.Image:
    """An RGBA cut-out with its longer side scaled to ``side_px``, perhaps mirrored and turned, its edge softened."""
    scale = side_px / max(cutout.size)
    width, height = (max(2, round(scale * side)) for side in cutout.size)
    scaled = cutout.resize((width, height), Image.Resampling.BILINEAR)
    if rng.random() < 0.5:
        scaled = ImageOps.mirror(scaled)
    turn = rng.choice(["none", "slight", "any"], p=[0.4, 0.4, 0.2])
    if turn != "none":
        degrees = rng.normal(0, 12) if turn == "slight" else rng.uniform(-180, 180)
        scaled = scaled.rotate(degrees, Image.Resampling.BILINEAR, expand=True)
    return _softened(scaled, float(rng.uniform(0, 0.9)))


def layer_at(cutout: Image.Image, left_px: int, top_px: int) -> Layer:
    """A cut-out as a layer, whose colours and cover can be painted."""
    pixels = np.asarray(cutout, np.float32)
    return Layer(colour=pixels[..., :3], alpha=pixels[..., 3] / np.float32(255), left_px=left_px, top_px=top_px)


def shadow_of(layer: Layer, rng: np.random.Generator) -> Layer:
    """A dark, soft, shifted copy."""
    size_px = max(layer.alpha.shape)
    blur_px = rng.uniform(0.02, 0.1) * size_px
    margin_px = int(2 * blur_px) + 1
    cover = Image.fromarray(np.pad((255 * layer.alpha).astype(np.uint8), margin_px))
    blurred = np.asarray(cover.filter(ImageFilter.BoxBlur(float(blur_px))), np.float32)
    shift_x_px, shift_y_px = rng.uniform(-0.12, 0.12, 2) * size_px
    return Layer(
        colour=np.full((*blurred.shape, 3), rng.uniform(0, 40), np.float32),
        alpha=blurred * np.float32(rng.uniform(0.25, 0.7) / 255),
        left_px=layer.left_px - margin_px + round(shift_x_px),
        top_px=layer.top_px - margin_px + round(shift_y_px),
    )


def recoloured(colour: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """(h, w, 3) with another brightness, contrast, saturation and, at times, the channels exchanged."""
    if rng.random() < 0.12:
        colour = colour[..., rng.permutation(3)]
    grey = (colour @ np.full(3, 1 / 3, np.float32))[..., None]
    saturated = grey + (colour - grey) * np.float32(rng.uniform(0.3, 1.3))
    gain = (rng.uniform(0.65, 1.25) * rng.uniform(0.9, 1.1, 3)).astype(np.float32)
    changed: NDArray[np.float32] = (saturated * gain + np.float32(rng.normal(0, 12))).clip(0, 255)
    return changed


def matched(layer: Layer, background: NDArray[np.float32], share: float) -> Layer:
    """A layer whose mean colour comes nearer to that of the background (h, w, 3), by a share of 0 to 1."""
    weight = layer.alpha.sum() + 1e-6
    own = (layer.colour * layer.alpha[..., None]).sum(axis=(0, 1)) / weight
    shift = np.float32(share) * (background.mean(axis=(0, 1)) - own)
    return layer.recoloured((layer.colour + shift).clip(0, 255))


def _softened(cutout: Image.Image, blur_px: float) -> Image.Image:
    """Blur the edge inwards and outwards; what it spreads over gets the object's colours, so no dark rim comes out."""
    if blur_px < 0.3:
        return cutout
    blurred = cutout.convert("RGBa").filter(ImageFilter.GaussianBlur(blur_px)).convert("RGBA")
    softened = Image.composite(cutout, blurred, cutout.getchannel("A"))
    softened.putalpha(blurred.getchannel("A"))
    return softened
