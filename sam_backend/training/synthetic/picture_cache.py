"""Decoded pictures at the scale they are wanted in, kept while there is room."""

from __future__ import annotations

import math
from collections import OrderedDict
from pathlib import Path

from PIL import Image

from sam_backend.errors import DatasetError

DEFAULT_CACHE_BYTES = 512 * 2**20


class PictureCache:
    """The least recently used go first when the bytes run out."""

    def __init__(self, n_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        self._room_bytes = n_bytes
        self._pictures: OrderedDict[tuple[Path, int], Image.Image] = OrderedDict()
        self._sides_px: dict[Path, int] = {}

    def read(self, path: Path, side_px: float, mode: str) -> Image.Image:
        """A picture halved as often as its longer side stays at or above ``side_px``, in a mode of Pillow's.

        Most objects are drawn small, so what is kept is mostly small: thousands fit.

        Raises:
            DatasetError: the file can't be read.
        """
        if path in self._sides_px:
            key = (path, _n_halvings(self._sides_px[path], side_px))
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
        whole = _decode(path, mode)
        self._sides_px[path] = max(whole.size)
        n_halvings = _n_halvings(max(whole.size), side_px)
        picture = whole.reduce(2**n_halvings) if n_halvings else whole
        self._keep((path, n_halvings), picture)
        return picture

    def _keep(self, key: tuple[Path, int], picture: Image.Image) -> None:
        self._pictures[key] = picture
        self._room_bytes -= _n_bytes(picture)
        while self._room_bytes < 0 and len(self._pictures) > 1:
            self._room_bytes += _n_bytes(self._pictures.popitem(last=False)[1])


def _decode(path: Path, mode: str) -> Image.Image:
    try:
        with Image.open(path) as file:
            return file.convert(mode)
    except OSError as error:
        raise DatasetError(f"{path} can't be read ({error}): prepare the folder of cut-outs again") from None


def _n_halvings(whole_px: int, wanted_px: float) -> int:
    return max(0, math.floor(math.log2(whole_px / max(wanted_px, 1))))


def _n_bytes(picture: Image.Image) -> int:
    """Pillow keeps four bytes a pixel for three channels as for four."""
    return picture.width * picture.height * 4
