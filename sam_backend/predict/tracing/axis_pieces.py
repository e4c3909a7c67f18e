"""One axis of the crossing from low-res logits to image px, in pieces of pixels that read the same three cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.frame import ImageFrame

N_TAPS = 3
"""Cells that a pixel reads along one axis: two neighbours in model px, each of two neighbours among the cells."""

LONGEST_PX = 64
"""Longer pieces are cut, so that blocks of pixels stay small on very large pictures."""


@dataclass(frozen=True, slots=True, eq=False)
class AxisPieces:
    """Pieces in the order of their pixels; together they cover the axis."""

    first_px: NDArray[np.int64]
    """(n,). Where each piece starts, in image px."""

    n_px: NDArray[np.int64]
    """(n,). How many pixels it has."""

    first_cell: NDArray[np.int64]
    """(n,). The first of its three cells: -1 at the least, a cell beyond the edge standing for that at the edge."""

    weights: NDArray[np.float32]
    """(N_TAPS, longest piece, n). Of each cell in each pixel; a shorter piece repeats its last pixel."""

    @property
    def longest_px(self) -> int:
        """Pixels of the longest piece."""
        return self.weights.shape[1]

    @property
    def skips_cells(self) -> bool:
        """Whether neighbouring pieces may have no cell in common: the picture is smaller than the logits."""
        return bool((np.diff(self.first_cell) >= N_TAPS).any())

    @property
    def windows(self) -> slice | NDArray[np.int64]:
        """Where a piece's three cells start in an array that has one cell more in front."""
        start = self.first_cell + 1
        is_consecutive = bool((np.diff(start) == 1).all())
        return slice(int(start[0]), int(start[-1]) + 1) if is_consecutive else start


@lru_cache(maxsize=64)  # crops of a picture, and pictures of a camera, have few different sizes
def frame_pieces(frame: ImageFrame, low_res_size: int) -> tuple[AxisPieces, AxisPieces]:
    """Cut a picture's rows and its columns."""
    weights = frame.low_res_to_image_weights(low_res_size)
    model_px_per_cell = frame.model_size / low_res_size
    rows, columns = (
        cut_axis(
            axis_weights, cells_per_px=resized_px / image_px / model_px_per_cell, model_px_per_cell=model_px_per_cell
        )
        for axis_weights, resized_px, image_px in zip(weights, frame.resized_hw, frame.image_hw, strict=True)
    )
    return rows, columns


def cut_axis(weights: NDArray[np.float32], *, cells_per_px: float, model_px_per_cell: float) -> AxisPieces:
    """Cut an axis whose pixels are sums of cells with the given ``weights`` (pixels, cells)."""
    first_cell = _first_cells(weights, cells_per_px, model_px_per_cell)
    starts = _piece_starts(first_cell)
    n_px = np.diff(starts, append=len(weights))
    nth_px = np.minimum(np.arange(n_px.max())[:, None], n_px - 1)  # (longest, n)
    return AxisPieces(
        first_px=starts,
        n_px=n_px,
        first_cell=first_cell[starts],
        weights=np.ascontiguousarray(_taps(weights, first_cell)[:, starts + nth_px]),
    )


def _first_cells(weights: NDArray[np.float32], cells_per_px: float, model_px_per_cell: float) -> NDArray[np.int64]:
    """For each pixel, the first of three cells in a row that hold all its weights; advances evenly along the axis."""
    n_px, n_cells = weights.shape
    is_read = weights != 0
    first, last = is_read.argmax(axis=1), n_cells - 1 - is_read[:, ::-1].argmax(axis=1)
    centre_cells = (np.arange(n_px) + 0.5) * cells_per_px
    even = np.floor(centre_cells - 0.5 / model_px_per_cell - 0.5).astype(np.int64)
    first_cells: NDArray[np.int64] = even.clip(last - (N_TAPS - 1), first)
    return first_cells


def _piece_starts(first_cell: NDArray[np.int64]) -> NDArray[np.int64]:
    is_start = np.diff(first_cell, prepend=first_cell[0] - 1) != 0
    starts = np.flatnonzero(is_start)
    nth_px = np.arange(first_cell.size) - np.repeat(starts, np.diff(starts, append=first_cell.size))
    return np.flatnonzero(nth_px % LONGEST_PX == 0)


def _taps(weights: NDArray[np.float32], first_cell: NDArray[np.int64]) -> NDArray[np.float32]:
    """(N_TAPS, pixels): the weights that aren't zero; those of cells beyond the edge are."""
    n_px, n_cells = weights.shape
    cells = first_cell + np.arange(N_TAPS)[:, None]
    inside = (cells >= 0) & (cells < n_cells)
    return np.where(inside, weights[np.arange(n_px), cells.clip(0, n_cells - 1)], np.float32(0))
