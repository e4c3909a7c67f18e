"""What `mask_tracer` must equal: the same measures from full-size logits, pixel by pixel, as the official code does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from sam_backend.masks.column_runs import ColumnRuns
from sam_backend.predict.frame import ImageFrame
from sam_backend.predict.tracing.mask_tracer import TracedMask


def trace_plainly(
    low_res_logits: NDArray[np.float32],
    frame: ImageFrame,
    *,
    left_top_xy: tuple[int, int],
    image_hw: tuple[int, int],
    mask_threshold: float = 0.0,
    stability_offset: float = 1.0,
) -> Iterator[TracedMask]:
    """Trace (n, cells, cells) logits; see `MaskTracer.of_crop` for the arguments. Slow: it draws every pixel."""
    for index, cells in enumerate(low_res_logits):
        logits = frame.low_res_to_image_logits(torch.from_numpy(cells)[None])[0].numpy()
        n_upper = np.count_nonzero(logits > np.float32(mask_threshold + stability_offset))
        n_lower = np.count_nonzero(logits > np.float32(mask_threshold - stability_offset))
        with np.errstate(invalid="ignore"):
            stability = np.float32(n_upper) / np.float32(n_lower)
        runs = ColumnRuns.of_window(logits > np.float32(mask_threshold), left_top_xy, image_hw)
        yield TracedMask(index, stability, runs)
