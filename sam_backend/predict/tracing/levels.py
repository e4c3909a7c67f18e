"""Which pixels are decided without being computed: bounds of the logits over the cells that they read.

A pixel's logit is a mean of 3 x 3 cells with weights that aren't negative, so it lies between the least and the
greatest of them. Where both lie on the same side of a threshold, so do all pixels that read these cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.tracing.axis_pieces import AxisPieces

Thresholds = tuple[float, float, float]
"""Rising: the stability test's lower one, the mask's own, the stability test's upper one."""

IN_LOWER, IN_MASK, IN_UPPER = 1, 2, 3
"""Levels: how many thresholds a logit exceeds."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowLevels:
    """Bounds of each block of pixels, a block being what one piece of the columns and one of the rows share."""

    lowest: NDArray[np.uint8]
    """(masks, column pieces, row pieces): columns first, as COCO counts."""

    highest: NDArray[np.uint8]
    """Of the same shape."""

    def is_mixed(self, rows: AxisPieces) -> NDArray[np.bool_]:
        """Blocks that must be computed. A block that isn't has the level of the one above it, if that isn't either."""
        mixed: NDArray[np.bool_] = self.lowest != self.highest
        if rows.skips_cells:  # then two blocks, one above the other, may be decided and differ
            below, above = (..., slice(1, None)), (..., slice(None, -1))
            mixed[below] |= self.lowest[below] > self.highest[above]
            mixed[below] |= self.highest[below] < self.lowest[above]
        return mixed


def window_levels(
    low_res_logits: NDArray[np.float32], thresholds: Thresholds, rows: AxisPieces, columns: AxisPieces
) -> WindowLevels:
    """Bound the levels of all blocks of pixels of (masks, cells, cells) logits."""
    n_rows, n_columns = (min(low_res_logits.shape[1], int(axis.first_cell.max()) + 3) for axis in (rows, columns))
    used = low_res_logits[:, :n_rows, :n_columns]
    levels = (used > np.float32(thresholds[0])).view(np.uint8)
    for threshold in thresholds[1:]:
        levels += used > np.float32(threshold)
    framed = _with_edges(levels.transpose(0, 2, 1))
    return WindowLevels(
        lowest=_over_windows(np.minimum, framed, rows, columns),
        highest=_over_windows(np.maximum, framed, rows, columns),
    )


def _with_edges(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Repeat the cells at the edge: once in front, twice behind, as far as windows reach."""
    n_masks, n_columns, n_rows = levels.shape
    framed = np.empty((n_masks, n_columns + 3, n_rows + 3), np.uint8)
    framed[:, 1:-2, 1:-2] = levels
    framed[:, 0], framed[:, -2:] = framed[:, 1], framed[:, -3:-2]
    framed[:, :, 0], framed[:, :, -2:] = framed[:, :, 1], framed[:, :, -3:-2]
    return framed


def _over_windows(
    extreme: np.ufunc, framed: NDArray[np.uint8], rows: AxisPieces, columns: AxisPieces
) -> NDArray[np.uint8]:
    along = extreme(extreme(framed[:, :-2], framed[:, 1:-1]), framed[:, 2:])[:, columns.windows]
    over: NDArray[np.uint8] = extreme(extreme(along[:, :, :-2], along[:, :, 1:-1]), along[:, :, 2:])[:, :, rows.windows]
    return np.ascontiguousarray(over)
