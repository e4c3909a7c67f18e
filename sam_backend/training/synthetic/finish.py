"""What a camera, a lens and a file format leave on a picture, so that pasted edges don't give themselves away."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sam_backend.training.augment import random_light

BLURRED_SHARE = 0.3
JPEG_SHARE = 0.3


def finished(picture: NDArray[np.float32], rng: np.random.Generator, negative_share: float) -> NDArray[np.uint8]:
    """A painted picture (h, w, 3), 0 to 255, as if it had been taken and saved.

    At times a little out of focus; in a random light; at times a poor JPEG.

    Args:
        picture: what was painted.
        rng: decides.
        negative_share: how often light becomes dark.
    """
    image = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    if rng.random() < BLURRED_SHARE:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.1))))
    lit = random_light(np.asarray(image), rng, negative_share)
    return _through_jpeg(lit, quality=int(rng.integers(35, 93))) if rng.random() < JPEG_SHARE else lit


def _through_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    with Image.open(file) as reread:
        return np.array(reread)
