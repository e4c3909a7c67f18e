"""From any number type to 8 bits: one low and one high value for each band, the same in the whole run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import RasterError
from sam_backend.geo.tiles import PixelRect
from sam_backend.predict.picture import stretch_to_uint8

STRETCH_PERCENT = (2.0, 98.0)


@dataclass(frozen=True, slots=True)
class BandStretch:
    """What becomes black and what white."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """One `BandStretch` for each band shown."""

    bands: tuple[BandStretch, ...]

    def __call__(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Bands (n, h, w) of any number type as 8 bits; NaN and minus infinity are black, infinity white."""
        stretched = [
            stretch_to_uint8(band.astype(np.float64), limits.low, limits.high)
            for band, limits in zip(values, self.bands, strict=True)
        ]
        return np.stack(stretched)

    def to_json(self) -> list[list[float]]:
        """Low and high of each band."""
        return [[band.low, band.high] for band in self.bands]

    @classmethod
    def from_json(cls, pairs: list[list[float]]) -> Stretch:
        """What `to_json` gave."""
        return cls(tuple(BandStretch(float(low), float(high)) for low, high in pairs))


def measure_stretch(sample: NDArray[Any], percent: tuple[float, float] = STRETCH_PERCENT) -> Stretch:
    """The percentiles of each band's finite values.

    Args:
        sample: (bands, n) valid pixels.
        percent: of the values that are to be black and white.

    Raises:
        RasterError: percentages out of order.
    """
    if not 0 <= percent[0] < percent[1] <= 100:
        raise RasterError(f"a stretch from {percent[0]:g} % to {percent[1]:g} % makes no sense: give e.g. 2 and 98")
    return Stretch(tuple(_limits(band, percent) for band in sample))


def _limits(band: NDArray[Any], percent: tuple[float, float]) -> BandStretch:
    finite = band[np.isfinite(band)]
    if finite.size == 0:
        return BandStretch(0.0, 1.0)
    low, high = np.percentile(finite, percent)
    return BandStretch(float(low), float(high))


def spread_rects(raster_wh: tuple[int, int], block_hw: tuple[int, int]) -> Iterator[PixelRect]:
    """Every block of a raster, each once, in an order whose every beginning is spread over the raster.

    The order is that of multiples of the golden section, modulo the number of blocks. Blocks larger than `UNIT_PX` are
    cut, so that a file that is one single block is spread, too.
    """
    width, height = raster_wh
    unit_h, unit_w = _unit_hw(block_hw)
    n_columns = math.ceil(width / unit_w)
    n_units = n_columns * math.ceil(height / unit_h)
    step = max(1, round(n_units * (math.sqrt(5) - 1) / 2))
    while math.gcd(step, n_units) > 1:
        step += 1
    for position in range(n_units):
        row, column = divmod(position * step % n_units, n_columns)
        left, top = column * unit_w, row * unit_h
        yield PixelRect(left, top, min(width, left + unit_w), min(height, top + unit_h))


UNIT_PX = 1024
"""Longest side of what is read at once when sampling; strips of a few rows stay whole, as GDAL decodes them so."""


def _unit_hw(block_hw: tuple[int, int]) -> tuple[int, int]:
    height, width = min(block_hw[0], UNIT_PX), block_hw[1]
    return height, max(1, min(width, UNIT_PX * UNIT_PX // height))
