"""Where parts lie in a whole: set in, as its core, as a band across it, or as panes in rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam_backend.training.synthetic.shapes import (
    draw_cover,
    random_compact_shape,
    random_pose,
    random_shape,
    rod,
)

Cover = NDArray[np.float32]
"""(h, w), 0 to 1."""

SMALLEST_PART_PX = 5.0
SMALLEST_WHOLE_PX = 8


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A cover that lies in the box of a whole."""

    cover: Cover
    """(h, w), 0 to 1."""

    left_px: int
    """In the whole's box."""

    top_px: int

    def of(self, whole: Cover) -> Cover:
        """The whole's cover (h, w) where the part's box is."""
        height, width = self.cover.shape
        return whole[self.top_px : self.top_px + height, self.left_px : self.left_px + width]


def place_parts(whole: Cover, rng: np.random.Generator) -> list[Part]:
    """Up to nine parts, each within the cover (h, w) of the whole; none in a whole too small to show them."""
    if min(whole.shape) < SMALLEST_WHOLE_PX:
        return []
    placing = _PLACINGS[int(rng.choice(len(_PLACINGS), p=_PLACING_SHARES))]
    placed = list(placing(whole, rng))
    return [Part(cover=part.cover * part.of(whole), left_px=part.left_px, top_px=part.top_px) for part in placed]


def body_with_limbs(side_px: int, rng: np.random.Generator) -> tuple[Cover, list[Part]]:
    """A whole (side, side) and its parts from the lowest to the topmost: a body and up to five limbs that stick out."""
    whole = np.zeros((side_px, side_px), np.float32)
    body = draw_cover(random_compact_shape(rng), side_px * rng.uniform(0.4, 0.65), random_pose(rng), rng)
    limb_shape = rod if rng.random() < 0.4 else random_compact_shape(rng)
    n_limbs = int(rng.integers(1, 6))
    turns = rng.uniform(0, 2 * math.pi) + (np.arange(n_limbs) + rng.uniform(-0.2, 0.2, n_limbs)) * 2 * math.pi / n_limbs
    pieces = [_around(body, side_px / 2, side_px / 2, whole)]
    for turn in turns:
        limb = draw_cover(limb_shape, side_px * rng.uniform(0.25, 0.4), random_pose(rng), rng)
        x_px, y_px = (side_px * (0.5 + 0.3 * wave) for wave in (math.cos(turn), math.sin(turn)))
        pieces.append(_around(limb, x_px, y_px, whole))
    for piece in pieces:
        np.maximum(piece.of(whole), piece.cover, out=piece.of(whole))
    return whole, pieces if rng.random() < 0.5 else pieces[::-1]


def _set_in(whole: Cover, rng: np.random.Generator) -> Iterator[Part]:
    """One to four shapes, each about a pixel of the whole; small ones may be thin."""
    rows, columns = np.nonzero(whole > 0.5)
    for _ in range(int(rng.integers(1, 5)) if len(rows) else 0):
        side_px = max(SMALLEST_PART_PX, rng.uniform(0.15, 0.55) * min(whole.shape))
        cover = draw_cover(random_shape(rng), side_px, random_pose(rng), rng)
        centre = int(rng.integers(len(rows)))
        yield _around(cover, columns[centre], rows[centre], whole)


def _core(whole: Cover, rng: np.random.Generator) -> Iterator[Part]:
    """The whole again, smaller, in its own middle: a nucleus, a frame, a roof's ridge."""
    share = rng.uniform(0.35, 0.8)
    height, width = (max(2, round(share * side)) for side in whole.shape)
    smaller = np.asarray(Image.fromarray(whole).resize((width, height), Image.Resampling.BILINEAR)).clip(0, 1)
    off_x, off_y = rng.uniform(0.35, 0.65, 2)
    yield Part(smaller, left_px=int(off_x * (whole.shape[1] - width)), top_px=int(off_y * (whole.shape[0] - height)))


def _bands(whole: Cover, rng: np.random.Generator) -> Iterator[Part]:
    """One or two stripes across: a belt, a half, a sash."""
    height, width = whole.shape
    turn = rng.uniform(0, math.pi)
    x, y = (
        np.arange(width, dtype=np.float32)[None] - width / 2,
        np.arange(height, dtype=np.float32)[:, None] - height / 2,
    )
    along = (x * math.cos(turn) + y * math.sin(turn)) / max(height, width)
    cuts = np.sort(rng.uniform(-0.45, 0.45, 4))
    for low, high in ((cuts[0], cuts[1]), (cuts[2], cuts[3]))[: int(rng.integers(1, 3))]:
        yield Part(((along >= low) & (along < high)).astype(np.float32), left_px=0, top_px=0)


def _panes(whole: Cover, rng: np.random.Generator) -> Iterator[Part]:
    """Up to nine equal shapes in rows: windows, buttons, seeds."""
    n_rows, n_columns = (int(n) for n in rng.integers(1, 4, 2))
    pitch_px = 0.7 * min(whole.shape) / max(n_rows, n_columns, 2)
    if pitch_px < SMALLEST_PART_PX:
        return
    cover = draw_cover(random_compact_shape(rng), rng.uniform(0.6, 1) * pitch_px, random_pose(rng), rng)
    for row in range(n_rows):
        for column in range(n_columns):
            x_px = whole.shape[1] / 2 + (column + 0.5 - n_columns / 2) * pitch_px
            y_px = whole.shape[0] / 2 + (row + 0.5 - n_rows / 2) * pitch_px
            yield _around(cover, x_px, y_px, whole)


_PLACINGS: tuple[Callable[[Cover, np.random.Generator], Iterator[Part]], ...] = (_set_in, _core, _bands, _panes)
_PLACING_SHARES = (0.4, 0.25, 0.2, 0.15)


def _around(cover: Cover, x_px: float, y_px: float, whole: Cover) -> Part:
    """A part about a point of the whole's box, moved as little as it takes to lie in it; the box must be larger."""
    left_px, top_px = (
        min(max(0, round(middle_px - side / 2)), whole_side - side)
        for middle_px, side, whole_side in zip((x_px, y_px), cover.shape[::-1], whole.shape[::-1], strict=True)
    )
    return Part(cover, left_px=left_px, top_px=top_px)
