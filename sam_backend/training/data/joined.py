"""Several data sets as one."""

from __future__ import annotations

from collections.abc import Sequence

from sam_backend.training.sample import LabelledPicture, PictureSet


class JoinedPictures:
    """The pictures of several sets, in their order; names are told apart by the number of their set."""

    def __init__(self, sets: Sequence[PictureSet]) -> None:
        self._places = {f"{number}/{name}": (one, name) for number, one in enumerate(sets) for name in one.names}
        self.names = list(self._places)

    def read(self, name: str) -> LabelledPicture:
        """Read one picture, as its own set does.

        Raises:
            DatasetError: its labels are missing or damaged.
            ImageError: the picture can't be read.
        """
        pictures, own_name = self._places[name]
        return pictures.read(own_name)
