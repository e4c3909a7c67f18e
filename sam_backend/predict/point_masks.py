"""The decoder's answer to many single clicks on one picture, before anything is drawn at full size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

READINGS_PER_POINT = 3
"""Whole, part and sub-part, in no fixed order."""


@dataclass(frozen=True, slots=True, eq=False)
class PointMasks:
    """Those of the points' masks that were asked for, in the order of points and readings."""

    index: NDArray[np.int64]
    """(n,), rising: ``point * READINGS_PER_POINT + reading``."""

    predicted_iou: NDArray[np.float32]
    """(n,). The model's own estimate; not clipped."""

    low_res_logits: NDArray[np.float32]
    """(n, low_res, low_res). Object where > 0. Beyond the picture, in what fills up the network's square, they may be 0
    instead of the decoder's."""
