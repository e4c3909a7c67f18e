"""Where masks turn on and off down their columns, found at the blocks that outlines pass through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.tracing.axis_pieces import AxisPieces
from sam_backend.predict.tracing.boundary_blocks import BoundaryBlocks


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """Pixels that differ from the one above them, in no order; outside the picture nothing is on."""

    mask: NDArray[np.int64]
    """(n,)."""

    x: NDArray[np.int64]
    """(n,), in px of the crop."""

    y: NDArray[np.int64]
    """(n,), in px of the crop: as large as its height where a mask is on to the very bottom."""


def outline_turns(
    blocks: BoundaryBlocks,
    threshold: float,
    is_decided_on: NDArray[np.bool_],
    is_mixed: NDArray[np.bool_],
    rows: AxisPieces,
    columns: AxisPieces,
) -> Turns:
    """Find all turns of a stack of masks.

    Args:
        blocks: those computed.
        threshold: pixels above it are on.
        is_decided_on: (masks, column pieces, row pieces). Whether a block that isn't computed is on.
        is_mixed: of the same shape. Whether a block is computed.
        rows: pieces of the rows.
        columns: pieces of the columns.
    """
    is_on = blocks.logits > np.float32(threshold)  # (x, y, n)
    parts = [
        _within(blocks, is_on, is_decided_on, rows, columns),
        _below(blocks, is_on, is_decided_on, rows, columns),
        _at_edge(is_decided_on[:, :, 0] & ~is_mixed[:, :, 0], 0, columns),
        _at_edge(is_decided_on[:, :, -1] & ~is_mixed[:, :, -1], int(rows.n_px.sum()), columns),
    ]
    mask, x, y = (np.concatenate([getattr(part, name) for part in parts]) for name in ("mask", "x", "y"))
    return Turns(mask, x, y)


def _within(
    blocks: BoundaryBlocks,
    is_on: NDArray[np.bool_],
    is_decided_on: NDArray[np.bool_],
    rows: AxisPieces,
    columns: AxisPieces,
) -> Turns:
    """Turns inside the blocks and at their upper edges."""
    turns = np.empty_like(is_on)
    np.not_equal(is_on[:, 0], _above(blocks, is_on, is_decided_on), out=turns[:, 0])
    np.not_equal(is_on[:, 1:], is_on[:, :-1], out=turns[:, 1:])
    turns &= blocks.is_x[:, None]
    x, y, nth = np.unravel_index(np.flatnonzero(turns), turns.shape)
    return Turns(
        mask=blocks.mask[nth],
        x=x + columns.first_px[blocks.column[nth]],
        y=y + rows.first_px[blocks.row[nth]],
    )


def _above(blocks: BoundaryBlocks, is_on: NDArray[np.bool_], is_decided_on: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(x, n). Whether the pixels right above each block are on."""
    above = np.empty(is_on[:, 0].shape, np.bool_)
    above[:] = is_decided_on.ravel()[blocks.index - 1] & (blocks.row > 0)
    np.copyto(above[:, 1:], is_on[:, -1, :-1], where=blocks.follows_above[1:])
    return above


def _below(
    blocks: BoundaryBlocks,
    is_on: NDArray[np.bool_],
    is_decided_on: NDArray[np.bool_],
    rows: AxisPieces,
    columns: AxisPieces,
) -> Turns:
    """Turns at the lower edges of blocks that have no computed block right below."""
    open_below = np.flatnonzero(~np.append(blocks.follows_above, False)[1:])
    row = blocks.row[open_below]
    next_index = np.minimum(blocks.index[open_below] + 1, is_decided_on.size - 1)
    below = is_decided_on.ravel()[next_index] & (row < rows.n_px.size - 1)
    turns = (is_on[:, -1].take(open_below, axis=1) != below) & blocks.is_x.take(open_below, axis=1)
    x, nth = np.nonzero(turns)
    column = blocks.column[open_below[nth]]
    return Turns(
        mask=blocks.mask[open_below[nth]],
        x=x + columns.first_px[column],
        y=(rows.first_px + rows.n_px)[row[nth]],
    )


def _at_edge(is_on: NDArray[np.bool_], y: int, columns: AxisPieces) -> Turns:
    """Turns of decided blocks (masks, column pieces) that touch the upper or the lower edge of the picture."""
    mask, column = np.nonzero(is_on)
    n_px = columns.n_px[column]
    nth_px = np.arange(n_px.sum()) - np.repeat(np.cumsum(n_px) - n_px, n_px)
    x = np.repeat(columns.first_px[column], n_px) + nth_px
    return Turns(np.repeat(mask, n_px), x, np.full(x.size, y))
