"""How well a mask fits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mask_iou(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """IoU of two masks (h, w); 0 where both are empty."""
    return float(np.count_nonzero(mask & truth) / max(1, np.count_nonzero(mask | truth)))
