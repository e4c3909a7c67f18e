"""By how much a layer of outlines lies beside the picture: the shift that brings its lines onto the picture's edges.

No model is asked, since a model that is shown an outline answers with one much like it, in its place. Outlines have an
advantage over it: they all lie off by the same, and there are many. Each votes for all shifts, by how strong the edges
along it are there; single votes stray by pixels, their sum doesn't. This is generalized Hough voting (Ballard,
"Generalizing the Hough transform to detect arbitrary shapes", 1981) with known shapes and soft votes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import fft, ndimage

from sam_backend.geo.tiles import PixelRect

REACH_PX = 32
"""How far off a layer is looked for, in each direction."""

SMALLEST_SHIFT_PX = 2.0
"""A layer that lies less far off is where it should be: outlines are no more exact, nor is what is measured here."""

FEWEST, MOST = 16, 400
"""Outlines that are enough for a vote, and as many as are asked at most, evenly picked."""

AGREEMENT_PX = 3.0
"""Both halves of the outlines must say the same to within this; by chance they do in one of a hundred cases."""

LARGEST_PX = 1024
"""Side of an outline that is asked: larger ones cost most and say no more."""

FIT_REACH_PX = 5
"""How far a single object may stray from its layer: drawn outlines do, and so do the pictures they were drawn on."""

_BLUR_PX = 1.5
_BLUR_REACH_PX = 8
"""How far a pixel is felt: four deviations of the blur, and the slope's own."""

_STRONG = 15.0
"""Grey levels a pixel of an edge that counts half of the strongest: a bright roof mustn't outvote the others. It levels
off softly, so that the middle of a strong edge remains its summit."""

_NO_SPREAD = 1e-3
"""Grey levels a pixel: all that rounding leaves where there is no edge."""

_N_DIRECTIONS = 8
"""Into which lines are sorted; an edge counts by how much it runs along the line."""

ReadPixels = Callable[[PixelRect], tuple[NDArray[np.uint8], NDArray[np.bool_]]]
"""Gives (h, w, 3) of a rectangle in run px, which may reach beyond the raster, and where (h, w) they are valid."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where a layer was looked for."""

    shift_xy_px: tuple[float, float]
    """By how much it has to be moved (right, down), in run px; (0, 0) where it lies right or nobody can tell."""

    n_outlines: int
    """That were asked; 0 where they were too few or didn't agree."""

    fits: Mapping[int, float] = field(default_factory=dict)
    """`fit_of` single outlines, by feature id, as far as they were asked."""

    def to_json(self) -> dict[str, Any]:
        """As a journal keeps it."""
        fits = {str(feature_id): round(fit, 2) for feature_id, fit in self.fits.items()}
        return {"shift_xy_px": list(self.shift_xy_px), "n_outlines": self.n_outlines, "fits": fits}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Alignment:
        """What `to_json` made."""
        right, down = record["shift_xy_px"]
        fits = {int(feature_id): float(fit) for feature_id, fit in record["fits"].items()}
        return cls((float(right), float(down)), int(record["n_outlines"]), fits)


UNKNOWN = Alignment((0.0, 0.0), 0)
"""Of a layer that says nothing."""


def align(outlines: Sequence[shapely.MultiPolygon], read: ReadPixels) -> Alignment:
    """Find the shift of a layer.

    Args:
        outlines: in run px.
        read: the picture.
    """
    asked = [outline for outline in outlines if _is_usable(outline)]
    asked = [asked[index] for index in np.linspace(0, len(asked) - 1, min(MOST, len(asked))).round().astype(int)]
    if len(asked) < FEWEST:
        return UNKNOWN
    votes = np.stack([votes_of(outline, read) for outline in asked])
    (x0, y0), (x1, y1) = (_best_shift_xy(votes[half::2].mean(axis=0)) for half in (0, 1))
    if np.hypot(x1 - x0, y1 - y0) > AGREEMENT_PX:
        return UNKNOWN
    right, down = _best_shift_xy(votes.mean(axis=0))
    if max(abs(right), abs(down)) >= REACH_PX:  # the summit may lie beyond, or there is none
        return UNKNOWN
    is_off = np.hypot(right, down) >= SMALLEST_SHIFT_PX
    return Alignment((right, down) if is_off else (0.0, 0.0), len(asked))


def votes_of(outline: shapely.MultiPolygon, read: ReadPixels) -> NDArray[np.float32]:
    """How well an outline fits the picture at each shift.

    Returns:
        (2 REACH_PX + 1, 2 REACH_PX + 1): rows are shifts down, columns shifts right, both from -REACH_PX; of mean
        0 and deviation 1, or 0 throughout where the picture has no edges.
    """
    x0, y0, x1, y1 = shapely.bounds(outline)
    rect = PixelRect(int(np.floor(x0)), int(np.floor(y0)), int(np.floor(x1)) + 1, int(np.floor(y1)) + 1)
    around = PixelRect(
        rect.left_px - REACH_PX, rect.top_px - REACH_PX, rect.right_px + REACH_PX, rect.bottom_px + REACH_PX
    )
    edges = _Edges.of(*read(around))
    lines = _lines_by_direction(outline, rect)
    size_hw = [fft.next_fast_len(side, real=True) for side in (around.height_px, around.width_px)]
    spectra = [
        fft.rfft2(edges.along(angle), size_hw) * np.conj(fft.rfft2(pixels, size_hw)) for angle, pixels in lines.items()
    ]
    reach = slice(0, 2 * REACH_PX + 1)
    votes: NDArray[np.float32] = fft.irfft2(np.sum(spectra, axis=0), size_hw)[reach, reach].astype(np.float32)
    spread = float(votes.std())
    return (votes - votes.mean()) / spread if spread > _NO_SPREAD else np.zeros_like(votes)


def fit_of(outline: shapely.MultiPolygon, read: ReadPixels, layer_xy_px: tuple[float, float]) -> float | None:
    """How much better an outline fits the picture where its layer lies than elsewhere, in deviations of `votes_of`.

    The best place within `FIT_REACH_PX` counts. None for an outline that is too large to be asked.

    Args:
        outline: in run px, as it was drawn.
        read: the picture.
        layer_xy_px: the layer's shift (right, down).
    """
    if not _is_usable(outline):
        return None
    column, row = (REACH_PX + round(shift_px) for shift_px in layer_xy_px)
    rows, columns = (slice(max(0, middle - FIT_REACH_PX), middle + FIT_REACH_PX + 1) for middle in (row, column))
    return float(votes_of(outline, read)[rows, columns].max())


def _is_usable(outline: shapely.MultiPolygon) -> bool:
    x0, y0, x1, y1 = shapely.bounds(outline)
    return bool(max(x1 - x0, y1 - y0) <= LARGEST_PX)


def _best_shift_xy(votes: NDArray[np.float32]) -> tuple[float, float]:
    row, column = np.unravel_index(int(votes.argmax()), votes.shape)
    return float(column - REACH_PX), float(row - REACH_PX)


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """The structure tensor of a picture's colours: how they change from pixel to pixel, in every direction."""

    xx: NDArray[np.float32]
    xy: NDArray[np.float32]
    yy: NDArray[np.float32]
    is_valid: NDArray[np.bool_]

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], is_valid: NDArray[np.bool_]) -> _Edges:
        smooth = ndimage.gaussian_filter(pixels.astype(np.float32), (_BLUR_PX, _BLUR_PX, 0))
        right, down = ndimage.sobel(smooth, 1) / 8, ndimage.sobel(smooth, 0) / 8
        far_inside = ndimage.binary_erosion(is_valid, iterations=_BLUR_REACH_PX, border_value=1)
        return cls((right * right).sum(2), (right * down).sum(2), (down * down).sum(2), far_inside)

    def along(self, angle: float) -> NDArray[np.float32]:
        """(h, w): how strongly colours change across lines of a direction; the mean where nothing is known."""
        across_x, across_y = -np.sin(angle), np.cos(angle)
        squared = self.xx * across_x**2 + 2 * self.xy * across_x * across_y + self.yy * across_y**2
        slope = np.sqrt(squared.clip(0))
        strength: NDArray[np.float32] = (_STRONG * slope / (slope + _STRONG)).astype(np.float32)
        mean = strength[self.is_valid].mean() if self.is_valid.any() else 0.0
        return np.where(self.is_valid, strength, mean).astype(np.float32)


def _lines_by_direction(outline: shapely.MultiPolygon, rect: PixelRect) -> dict[float, NDArray[np.float32]]:
    """The pixels (h, w) of a rectangle that an outline runs through, by the angle at which it does."""
    middles_xy, angles = _steps(outline)
    step = np.pi / _N_DIRECTIONS
    bins = np.rint(angles / step).astype(int) % _N_DIRECTIONS
    columns = np.floor(middles_xy[:, 0]).astype(int) - rect.left_px
    rows = np.floor(middles_xy[:, 1]).astype(int) - rect.top_px
    lines: dict[float, NDArray[np.float32]] = {}
    for number in np.unique(bins):
        pixels = np.zeros((rect.height_px, rect.width_px), np.float32)
        np.add.at(pixels, (rows[bins == number], columns[bins == number]), 1 / len(bins))
        lines[float(number * step)] = pixels
    return lines


def _steps(outline: shapely.MultiPolygon) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middles (n, 2) of pieces of about a pixel's length, and their angles."""
    middles_xy, angles = [], []
    for ring in (ring for piece in outline.geoms for ring in (piece.exterior, *piece.interiors)):
        corners_xy = shapely.get_coordinates(ring)
        for start_xy, way_xy in zip(corners_xy[:-1], np.diff(corners_xy, axis=0), strict=True):
            n_steps = max(1, round(float(np.hypot(*way_xy))))
            share = (np.arange(n_steps) + 0.5) / n_steps
            middles_xy.append(start_xy + share[:, None] * way_xy)
            angles.append(np.full(n_steps, np.arctan2(way_xy[1], way_xy[0])))
    return np.concatenate(middles_xy), np.concatenate(angles)
