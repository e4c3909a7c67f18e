"""The last mask of each object that somebody works on, for the next click to start from."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

N_OBJECTS = 256
"""Of 256 kB each."""


class LastMasks:
    """Those that nobody worked on for longest are forgotten first. For use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, str], NDArray[np.float32]] = OrderedDict()

    def get(self, model_version: str, content: str, name: str) -> NDArray[np.float32] | None:
        """The logits (low, low) of an object, by the client's name for it in a view of this content; None: unknown."""
        with self._lock:
            return self._kept.get((model_version, content, name))

    def put(self, model_version: str, content: str, name: str, low_res_logits: NDArray[np.float32]) -> None:
        """Keep them, instead of the ones before."""
        key = (model_version, content, name)
        with self._lock:
            self._kept[key] = low_res_logits.copy()  # a view would keep all three readings
            self._kept.move_to_end(key)
            while len(self._kept) > N_OBJECTS:
                self._kept.popitem(last=False)
