"""From low-res logits to area, stability and runs of full-size masks that are never drawn.

The crossing from logits to image px (`ImageFrame.low_res_to_image_logits`) is a fixed mean of 3 x 3 cells for every
pixel. Blocks of pixels whose cells all lie on one side of the thresholds are decided (`levels`); only those that an
outline passes through are computed (`boundary_blocks`), so the work grows with the outline, not with the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.masks.column_runs import ColumnRuns, without_pairs
from sam_backend.predict.frame import ImageFrame
from sam_backend.predict.tracing.axis_pieces import AxisPieces, frame_pieces
from sam_backend.predict.tracing.boundary_blocks import BoundaryBlocks, compute_blocks
from sam_backend.predict.tracing.levels import IN_LOWER, IN_MASK, IN_UPPER, Thresholds, window_levels
from sam_backend.predict.tracing.outline_turns import outline_turns

MASKS_AT_ONCE = 4
"""Measured: enough to spread numpy's overhead, few enough for the cache."""

BLOCKS_PX_AT_ONCE = 2**22
"""Logits without smooth parts have so many boundary blocks that masks are better taken one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class TracedMask:
    """One mask in the picture's own pixels."""

    index: int
    """Of its logits among those given."""

    stability_score: np.float32
    """Pixels above the upper threshold / pixels above the lower one; NaN where there are none."""

    runs: ColumnRuns
    """In the whole picture, also where the logits are of a crop."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskTracer:
    """Traces the masks of one picture, or of one crop of it. Build it once: it holds the crossing's weights."""

    rows: AxisPieces
    columns: AxisPieces
    thresholds: Thresholds

    left_top_xy: tuple[int, int]
    """Where the crop lies in the picture, in image px."""

    image_hw: tuple[int, int]
    """Of the whole picture."""

    @classmethod
    def of_crop(
        cls,
        frame: ImageFrame,
        low_res_size: int,
        *,
        left_top_xy: tuple[int, int],
        image_hw: tuple[int, int],
        mask_threshold: float = 0.0,
        stability_offset: float = 1.0,
    ) -> MaskTracer:
        """Prepare for a crop whose own frame is ``frame``; for a whole picture the crop is all of it."""
        rows, columns = frame_pieces(frame, low_res_size)
        lower, upper = mask_threshold - stability_offset, mask_threshold + stability_offset
        return cls(rows, columns, (lower, mask_threshold, upper), left_top_xy, image_hw)

    @classmethod
    def of_transposed(cls, frame: ImageFrame, low_res_size: int) -> MaskTracer:
        """Prepare for transposed logits: the columns that it runs down are rows of the picture that ``frame`` is of."""
        rows, columns = frame_pieces(frame, low_res_size)
        return cls(columns, rows, (0.0, 0.0, 0.0), left_top_xy=(0, 0), image_hw=frame.image_hw[::-1])

    def trace(self, low_res_logits: NDArray[np.float32], min_stability: float | None = None) -> Iterator[TracedMask]:
        """Trace (n, cells, cells) logits.

        Args:
            low_res_logits: of the decoder.
            min_stability: masks with a lower stability score are left away; None keeps all.
        """
        for start in range(0, len(low_res_logits), MASKS_AT_ONCE):
            few = low_res_logits[start : start + MASKS_AT_ONCE]
            for traced in self._trace_few(np.ascontiguousarray(few, np.float32), min_stability):
                yield TracedMask(start + traced.index, traced.stability_score, traced.runs)

    def runs_if_smooth(self, low_res_logits: NDArray[np.float32], most_computed_px: int) -> ColumnRuns | None:
        """Runs of the mask of (cells, cells) logits; None if more pixels than so many would have to be computed."""
        logits = np.ascontiguousarray(low_res_logits[None])
        levels = window_levels(logits, self.thresholds, self.rows, self.columns)
        is_mixed = levels.is_mixed(self.rows)
        if self._blocks_px(is_mixed) > most_computed_px:
            return None
        blocks = compute_blocks(logits, is_mixed, self.rows, self.columns)
        (runs,) = self._runs(blocks, levels.lowest >= IN_MASK, is_mixed)
        return runs

    def _trace_few(self, low_res_logits: NDArray[np.float32], min_stability: float | None) -> Iterator[TracedMask]:
        levels = window_levels(low_res_logits, self.thresholds, self.rows, self.columns)
        is_mixed = levels.is_mixed(self.rows)
        if len(is_mixed) > 1 and self._blocks_px(is_mixed) > BLOCKS_PX_AT_ONCE:
            for index in range(len(is_mixed)):
                (traced,) = self._trace_few(low_res_logits[index : index + 1], None)
                if _is_stable(traced.stability_score, min_stability):
                    yield TracedMask(index, traced.stability_score, traced.runs)
            return
        blocks = compute_blocks(low_res_logits, is_mixed, self.rows, self.columns)
        stability = self._stability(blocks, levels.lowest * ~is_mixed)
        kept = [index for index, score in enumerate(stability) if _is_stable(score, min_stability)]
        if kept:
            runs = self._runs(blocks, (levels.lowest >= IN_MASK), is_mixed)
            yield from (TracedMask(index, stability[index], runs[index]) for index in kept)

    def _blocks_px(self, is_mixed: NDArray[np.bool_]) -> int:
        return int(np.count_nonzero(is_mixed)) * self.rows.longest_px * self.columns.longest_px

    def _stability(self, blocks: BoundaryBlocks, decided: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(masks,). ``decided`` has the levels of blocks that aren't computed, 0 at the others."""
        lower, _, upper = self.thresholds
        n_upper = self._count(blocks, upper, decided >= IN_UPPER)
        n_lower = self._count(blocks, lower, decided >= IN_LOWER)
        with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, as in the official code
            stability: NDArray[np.float32] = np.divide(n_upper, n_lower, dtype=np.float32, casting="same_kind")
        return stability

    def _count(self, blocks: BoundaryBlocks, threshold: float, is_above: NDArray[np.bool_]) -> NDArray[np.int64]:
        n_masks, n_columns, n_rows = is_above.shape
        column_heights = is_above.reshape(-1, n_rows).astype(np.float32) @ self.rows.n_px.astype(np.float32)  # exact
        n_decided = column_heights.astype(np.int64).reshape(n_masks, n_columns) @ self.columns.n_px
        n_computed = np.bincount(blocks.mask, weights=blocks.count_above(threshold), minlength=n_masks)
        counts: NDArray[np.int64] = n_decided + n_computed.astype(np.int64)
        return counts

    def _runs(
        self, blocks: BoundaryBlocks, is_decided_on: NDArray[np.bool_], is_mixed: NDArray[np.bool_]
    ) -> list[ColumnRuns]:
        turns = outline_turns(blocks, self.thresholds[1], is_decided_on, is_mixed, self.rows, self.columns)
        (left, top), (height, width) = self.left_top_xy, self.image_hw
        stride = height * width + 1  # a mask's last edge isn't the next one's first
        positions = np.sort(turns.mask * stride + (turns.x + left) * height + turns.y + top)
        cuts = np.searchsorted(positions, np.arange(1, len(is_mixed)) * stride)
        return [
            ColumnRuns(self.image_hw, without_pairs(own - index * stride))
            for index, own in enumerate(np.split(positions, cuts))
        ]


def _is_stable(stability: np.float32, min_stability: float | None) -> bool:
    return min_stability is None or bool(stability >= np.float32(min_stability))
