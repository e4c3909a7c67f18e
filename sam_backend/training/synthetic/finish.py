"""What a camera, a lens and a file format leave on a picture, so that pasted edges don't give themselves away."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter


def worn(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture (h, w, 3) that is at times a little out of focus, at times saved as a poor JPEG."""
    picture = Image.fromarray(image)
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.1))))
    if rng.random() < 0.3:
        picture = _through_jpeg(picture, quality=int(rng.integers(30, 92)))
    return np.array(picture)


def _through_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)
