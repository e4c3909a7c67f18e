"""Run lengths, which both RLE formats are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def run_lengths(values: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Lengths of the runs of equal values in ``values`` (n,), n >= 1; the first run is of ``values[0]``."""
    turns = np.flatnonzero(values[1:] != values[:-1]) + 1
    return np.diff(turns, prepend=0, append=values.size).astype(np.int64, copy=False)
