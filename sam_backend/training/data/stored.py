"""What every data set of files has in common: it says what it left out, and decodes masks when they are asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sam_backend.training.sample import PictureSet

N_NAMED_IN_LOG = 10
"""Of a data set with thousands of damaged items so many are logged; all are in ``reasons``."""

MaskDecoder = Callable[[], NDArray[np.bool_]]
"""Makes one mask (h, w) in image px. What it decodes was checked before, so it doesn't fail."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SkippedItems:
    """What a data set leaves out because it is damaged: each item named once, however often it is met."""

    reasons: dict[str, str] = field(default_factory=dict)
    """Why, by item, e.g. "annotation 17 of 3.jpg"."""

    def __len__(self) -> int:
        """How many items were skipped so far."""
        return len(self.reasons)

    def add(self, item: str, reason: object) -> None:
        """Name an item and what is wrong with it."""
        if item in self.reasons:
            return
        self.reasons[item] = str(reason)
        if len(self) <= N_NAMED_IN_LOG:
            _LOG.warning("skipped %s (%d so far): %s", item, len(self), reason)
        if len(self) == N_NAMED_IN_LOG:
            _LOG.warning("further skipped items are only counted")


class StoredPictures(PictureSet, Protocol):
    """A data set of files. Damaged objects are left out of their pictures, damaged entries out of the set."""

    @property
    def skipped(self) -> SkippedItems:
        """What was left out so far: entries of the set since it was opened, objects since their picture was read."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LazyMasks:
    """The masks of a picture's objects, each decoded when it is asked for and then forgotten."""

    decoders: Sequence[MaskDecoder]

    def __len__(self) -> int:
        """How many objects there are."""
        return len(self.decoders)

    def __getitem__(self, index: int) -> NDArray[np.bool_]:
        """One object's mask (h, w)."""
        return self.decoders[index]()
