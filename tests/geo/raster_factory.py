"""Names that tests of rasters share."""

from collections.abc import Callable
from pathlib import Path

from affine import Affine

MakeRaster = Callable[..., Path]
UTM_TRANSFORM = Affine(0.5, 0, 300_000, 0, -0.5, 5_000_000)
