"""Pictures to click in: nuclei in a microscope, painted by this project and nobody's property."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from sam_backend.training.synthetic.shapes import Pose, blob, draw_cover

_HEIGHT_PX, _WIDTH_PX = 600, 800
_MOST_NUCLEI = 34
_TRIES = 400
_GAP_PX = 7
_SMALLEST_PX, _LARGEST_PX = 44.0, 96.0


@dataclass(frozen=True, slots=True)
class Stain:
    """How the amount of stain looks."""

    stops_rgb: tuple[tuple[int, int, int], ...]
    """Colours from no stain to the most, evenly spaced."""


_STAINS = (
    Stain(((4, 5, 14), (20, 46, 128), (88, 160, 240), (232, 248, 255))),
    Stain(((3, 9, 6), (10, 78, 50), (78, 190, 104), (236, 255, 214))),
    Stain(((247, 236, 243), (216, 172, 206), (136, 92, 164), (62, 34, 102))),
)
"""Two that shine in the dark, and one on a bright slide."""


def write_pictures(folder: Path, n_pictures: int = 6) -> list[Path]:
    """Write pictures as PNG, the same ones each time, and say where; those that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"nuclei-{index + 1}.png" for index in range(n_pictures)]
    for index, path in enumerate(paths):
        if not path.exists():
            Image.fromarray(paint_nuclei(np.random.default_rng(index), _STAINS[index % len(_STAINS)])).save(path)
    return paths


def paint_nuclei(rng: np.random.Generator, stain: Stain) -> NDArray[np.uint8]:
    """Nuclei that lie apart from each other on an uneven ground, out of focus a little; (h, w, 3) RGB."""
    amount = np.full((_HEIGHT_PX, _WIDTH_PX), 0.06) + 0.02 * _clouds(60, rng)
    is_taken = np.zeros(amount.shape, np.bool_)
    n_nuclei = 0
    for _ in range(_TRIES):
        n_nuclei += _place_nucleus(amount, is_taken, rng)
        if n_nuclei == _MOST_NUCLEI:
            break
    glow = ndimage.gaussian_filter(amount, 20.0)
    seen = ndimage.gaussian_filter(amount, 1.1) + 0.14 * glow + rng.normal(0, 0.012, amount.shape)
    return _coloured(seen.clip(0, 1), stain)


def _place_nucleus(amount: NDArray[np.float64], is_taken: NDArray[np.bool_], rng: np.random.Generator) -> bool:
    """Try one place; False where another nucleus is, or the picture's edge."""
    side_px = math.exp(rng.uniform(math.log(_SMALLEST_PX), math.log(_LARGEST_PX)))
    pose = Pose(turn_rad=rng.uniform(0, math.pi), squeeze=rng.uniform(0.62, 1))
    cover = np.pad(draw_cover(blob, side_px, pose, rng), _GAP_PX)
    height, width = cover.shape
    top, left = rng.integers(0, _HEIGHT_PX - height), rng.integers(0, _WIDTH_PX - width)
    window = np.s_[top : top + height, left : left + width]
    is_near = _to_nearest_px(cover >= 0.5) <= _GAP_PX
    if (is_taken[window] & is_near).any():
        return False
    is_taken[window] |= cover >= 0.5
    amount[window] += cover * (rng.uniform(0.42, 0.85) * _shading(cover, rng) - amount[window])
    return True


def _shading(cover: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
    """Around 1: less towards the outline, where a nucleus is thin, and uneven where chromatin lies."""
    depth = _to_nearest_px(cover <= 0.5)
    thickness = np.sqrt(depth / max(depth.max(), 1.0))
    chromatin = ndimage.gaussian_filter(rng.normal(0, 1, cover.shape), 2.5)
    return np.asarray(0.72 + 0.28 * thickness + 0.1 * chromatin / chromatin.std(), np.float64)


def _to_nearest_px(is_there: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How far each pixel is from the nearest that is True, (h, w)."""
    return np.asarray(ndimage.distance_transform_edt(~is_there), np.float64)


def _clouds(size_px: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Of mean 0 and deviation 1, (h, w)."""
    clouds = ndimage.gaussian_filter(rng.normal(0, 1, (_HEIGHT_PX, _WIDTH_PX)), size_px)
    return np.asarray((clouds - clouds.mean()) / clouds.std(), np.float64)


def _coloured(amount: NDArray[np.float64], stain: Stain) -> NDArray[np.uint8]:
    stops = np.linspace(0, 1, len(stain.stops_rgb))
    channels = [np.interp(amount, stops, channel) for channel in zip(*stain.stops_rgb, strict=True)]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)
