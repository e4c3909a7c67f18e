"""Pictures of coloured ellipses whose centres are known, so that simulated people click on objects."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw


@dataclass(frozen=True, slots=True, eq=False)
class SpottedPicture:
    """The same for the same seed and size."""

    image_hw: tuple[int, int]
    seed: int
    n_spots: int = 12
    pixels: NDArray[np.uint8] = field(init=False)
    """(h, w, 3)."""

    centres_xy: NDArray[np.float64] = field(init=False)
    """(n, 2), in image px; of the ellipses, which may overlap."""

    def __post_init__(self) -> None:
        """Draw it."""
        random = np.random.default_rng(self.seed)
        height, width = self.image_hw
        centres_xy = random.uniform(0.12, 0.88, (self.n_spots, 2)) * (width, height)
        radii_xy = random.uniform(0.06, 0.11, (self.n_spots, 2)) * width
        image = Image.new("RGB", (width, height), tuple(random.integers(0, 256, 3).tolist()))
        draw = ImageDraw.Draw(image)
        for corners_xy in np.hstack([centres_xy - radii_xy, centres_xy + radii_xy]):
            draw.ellipse(tuple(corners_xy.tolist()), fill=tuple(random.integers(0, 256, 3).tolist()))
        noise = random.integers(-6, 7, (height, width, 3), np.int16)
        object.__setattr__(self, "pixels", (np.asarray(image) + noise).clip(0, 255).astype(np.uint8))
        object.__setattr__(self, "centres_xy", centres_xy)
