"""Decoded pictures at the scale they are wanted in, kept while there is room."""

from __future__ import annotations

import math
from collections import OrderedDict
from pathlib import Path

from PIL import Image

from sam_backend.errors import DatasetError

DEFAULT_CACHE_BYTES = 256 * 2**20


class PictureCache:
    """The least recently used go first when the bytes run out."""

    def __init__(self, n_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        self._room_bytes = n_bytes
        self._pictures: OrderedDict[tuple[Path, int], Image.Image] = OrderedDict()

    def read(self, path: Path, side_px: float, mode: str) -> Image.Image:
        """A picture halved as often as its longer side stays at or above ``side_px``, in a mode of Pillow's.

        Most objects are drawn small, so what is kept is mostly small: thousands fit.

        Raises:
            DatasetError: the file can't be read.
        """
        wanted_px = 2 ** math.ceil(math.log2(max(side_px, 1)))
        key = (path, wanted_px)
        if key not in self._pictures:
            self._keep(key, _reduced(_decode(path, mode), wanted_px))
        self._pictures.move_to_end(key)
        return self._pictures[key]

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


def _reduced(picture: Image.Image, wanted_px: int) -> Image.Image:
    factor = max(picture.size) // wanted_px
    return picture.reduce(2 ** int(math.log2(factor))) if factor >= 2 else picture


def _n_bytes(picture: Image.Image) -> int:
    return picture.width * picture.height * len(picture.getbands())
