"""The blocks of pixels that outlines pass through, computed; everything else about a mask is known from its levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.tracing.axis_pieces import N_TAPS, AxisPieces


@dataclass(frozen=True, slots=True, eq=False)
class BoundaryBlocks:
    """Some blocks of a stack of masks, in the order of mask, column piece, row piece. Blocks are the last axis."""

    index: NDArray[np.int64]
    """(n,), rising: of each block in the flattened (masks, column pieces, row pieces)."""

    mask: NDArray[np.int64]
    """(n,)."""

    column: NDArray[np.int64]
    """(n,). Which piece of the columns."""

    row: NDArray[np.int64]
    """(n,). Which piece of the rows."""

    logits: NDArray[np.float32]
    """(x, y, n). In a piece shorter than the longest, the last pixel is repeated."""

    is_x: NDArray[np.bool_]
    """(x, n). False where a column only repeats."""

    is_y: NDArray[np.bool_]
    """(y, n). False where a row only repeats."""

    @property
    def follows_above(self) -> NDArray[np.bool_]:
        """(n,). Whether the block before in the list is the one right above in the picture."""
        is_next = np.diff(self.index, prepend=-2) == 1
        follows: NDArray[np.bool_] = is_next & (self.row > 0)
        return follows

    def count_above(self, threshold: float) -> NDArray[np.int64]:
        """(n,) pixels of each block whose logit exceeds ``threshold``."""
        is_above = self.logits > np.float32(threshold)
        is_above &= self.is_x[:, None]
        is_above &= self.is_y
        per_row = np.add.reduce(is_above.view(np.uint8), axis=0, dtype=np.uint8)  # a block has at most 64 columns
        counts: NDArray[np.int64] = np.add.reduce(per_row, axis=0, dtype=np.int64)
        return counts


def compute_blocks(
    low_res_logits: NDArray[np.float32], is_wanted: NDArray[np.bool_], rows: AxisPieces, columns: AxisPieces
) -> BoundaryBlocks:
    """Compute the blocks wanted, (masks, column pieces, row pieces), of (masks, cells, cells) logits."""
    index = np.flatnonzero(is_wanted)
    mask, column, row = np.unravel_index(index, is_wanted.shape)
    return BoundaryBlocks(
        index=index,
        mask=mask,
        column=column,
        row=row,
        logits=_logits(low_res_logits, mask, (row, rows), (column, columns)),
        is_x=np.arange(columns.longest_px)[:, None] < columns.n_px[column],
        is_y=np.arange(rows.longest_px)[:, None] < rows.n_px[row],
    )


def _logits(
    low_res_logits: NDArray[np.float32],
    mask: NDArray[np.int64],
    row_of: tuple[NDArray[np.int64], AxisPieces],
    column_of: tuple[NDArray[np.int64], AxisPieces],
) -> NDArray[np.float32]:
    """(x, y, n). ``take`` rather than indexing: it keeps the blocks last in memory."""
    n_rows, n_columns = low_res_logits.shape[1:]
    flat = low_res_logits.reshape(-1)
    row_cells, row_weights = _of_pieces(*row_of, n_cells=n_rows)
    column_cells, column_weights = _of_pieces(*column_of, n_cells=n_columns)
    starts = (mask * n_rows + row_cells) * n_columns  # (taps, n)
    logits = np.zeros((column_weights.shape[1], row_weights.shape[1], mask.size), np.float32)
    product = np.empty_like(logits)
    for start, row_weight in zip(starts, row_weights, strict=True):
        along_x = sum(
            weight * flat.take(start + cell) for weight, cell in zip(column_weights, column_cells, strict=True)
        )
        logits += np.multiply(along_x[:, None], row_weight, out=product)
    return logits


def _of_pieces(
    piece: NDArray[np.int64], axis: AxisPieces, n_cells: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Cells (taps, n) that the pieces read, and their weights (taps, pixels, n)."""
    cells = (axis.first_cell + np.arange(N_TAPS)[:, None]).clip(0, n_cells - 1)
    return cells.take(piece, axis=1), axis.weights.take(piece, axis=2)
