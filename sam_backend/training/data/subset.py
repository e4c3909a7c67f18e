"""Parts of a data set: some names only, all but some, and the split into training and held-out pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sam_backend.errors import DatasetError
from sam_backend.training.data.stored import SkippedItems, StoredPictures
from sam_backend.training.sample import LabelledPicture


class Subset:
    """Those pictures of a data set whose names were chosen."""

    def __init__(self, pictures: StoredPictures, names: Iterable[str]) -> None:
        """Choose names; see `only` and `without`.

        Raises:
            DatasetError: there are none.
        """
        self.names = list(names)
        self._pictures = pictures
        if not self.names:
            raise DatasetError(
                f"none of the {len(pictures.names)} pictures, e.g. {pictures.names[0]}, is left: choose other names, "
                "or another share or seed of the split"
            )

    @property
    def skipped(self) -> SkippedItems:
        """What the whole data set left out."""
        return self._pictures.skipped

    def read(self, name: str) -> LabelledPicture:
        """Read one picture, as the whole data set does.

        Raises:
            DatasetError: its labels are missing or damaged.
            ImageError: the picture can't be read.
        """
        return self._pictures.read(name)


def only(pictures: StoredPictures, names: Collection[str]) -> Subset:
    """The pictures with these names; names that aren't in the data set don't matter.

    Raises:
        DatasetError: none is left.
    """
    return Subset(pictures, (name for name in pictures.names if name in names))


def without(pictures: StoredPictures, names: Collection[str]) -> Subset:
    """All pictures but those with these names.

    Raises:
        DatasetError: none is left.
    """
    return Subset(pictures, (name for name in pictures.names if name not in names))


@dataclass(frozen=True, slots=True)
class Split:
    """Names to train on and names never to be trained on, each in the order they came; one may be empty."""

    training: list[str]
    held_out: list[str]


def split_names(names: Iterable[str], held_out_share: float, seed: int = 0) -> Split:
    """Split names by their hashes: a name stays on its side whatever other names come or go.

    The share is therefore met on average only. Overlapping tiles of one raster share pixels: hold out a part of the
    raster (`sam_backend.training.data.tiling.RasterPart`) instead of some of its tiles.

    Args:
        names: of pictures.
        held_out_share: from 0 to 1.
        seed: another one makes another split.

    Raises:
        DatasetError: the share isn't from 0 to 1.
    """
    if not 0 <= held_out_share <= 1:
        raise DatasetError(f"the share to hold out is a number from 0 to 1, got {held_out_share}")
    split = Split([], [])
    for name in names:
        is_held_out = place_of_name(name, seed) < held_out_share
        (split.held_out if is_held_out else split.training).append(name)
    return split


def place_of_name(name: str, seed: int = 0) -> float:
    """A number from 0 to below 1, the same on every machine."""
    digest = hashlib.sha256(f"{seed}/{name}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
