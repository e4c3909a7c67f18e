"""Colour of more than 8 bits in PNG and TIFF, which Pillow cuts down to the upper 8 of 16 or can't read."""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from sam_backend.predict.upright import TURNS, turn_of

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_COLOURS = {2, 4, 6}
"""Kinds of PNG that hold more than grey: RGB, grey with alpha, RGB with alpha."""

TIFF_BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BIG_TIFF_BEGINNINGS = TIFF_BEGINNINGS[2:]
WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION, SAMPLES, EXTRA_SAMPLES, NUMBERS = 256, 257, 258, 262, 274, 277, 338, 339
BLACK_IS_ZERO, RGB = 1, 2
PREMULTIPLIED, ALPHA = 1, 2
COMPLEX_NUMBERS = {5, 6}

_WARNING_FILTERS = threading.Lock()  # the filters of warnings belong to the whole process


@dataclass(frozen=True, slots=True, eq=False)
class DeepColour:
    """A file whose colours have more than 8 bits, so far only looked at."""

    data: bytes
    driver: str
    """GDAL's name for the format."""

    size_wh: tuple[int, int]
    """In pixels of the file, not turned yet."""

    orientation: int | None
    """As EXIF has it; None where only decoding the file tells."""

    def turn(self) -> Image.Transpose | None:
        """What brings it upright. Look at the size before: it may have to be decoded."""
        if self.orientation is not None:
            return TURNS.get(self.orientation)
        with Image.open(io.BytesIO(self.data)) as image:
            return turn_of(image)

    def read(self) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
        """Decode the file, as it lies.

        Returns:
            (1 or 3, h, w) grey or RGB of the file's own number type, and (h, w) how opaque each pixel is, 0..255, or
            None where all are.

        Raises:
            rasterio.errors.RasterioError: the file is damaged.
        """
        from rasterio.enums import MaskFlags  # a quarter of a second, and such pictures are rare
        from rasterio.errors import NotGeoreferencedWarning
        from rasterio.io import MemoryFile

        with MemoryFile(self.data) as file:
            with _WARNING_FILTERS, warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                raster = file.open(driver=self.driver)
            with raster:
                is_opaque = MaskFlags.per_dataset not in raster.mask_flag_enums[0]
                bands = (1, 2, 3) if raster.count >= 3 else (1,)
                return raster.read(bands), None if is_opaque else raster.dataset_mask()


def find_deep_colour(data: bytes) -> DeepColour | None:
    """Look whether a file holds colour, or grey with alpha, of more than 8 bits. Grey alone is left to Pillow.

    So are CMYK, L*a*b* and a TIFF of complex numbers, or with colours premultiplied by its alpha.
    """
    if data.startswith(PNG_SIGNATURE):
        return _deep_png(data)
    if data.startswith(TIFF_BEGINNINGS):
        return _deep_tiff(data)
    return None


def _deep_png(data: bytes) -> DeepColour | None:
    header = data[16:26]  # of the chunk IHDR: width, height, bits, kind of colour
    if len(header) < 10 or header[8] != 16 or header[9] not in PNG_COLOURS:
        return None
    size_wh = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    return DeepColour(data, "PNG", size_wh, orientation=None)


def _deep_tiff(data: bytes) -> DeepColour | None:
    try:
        tags = _tiff_tags(data)
        if max(tags.get(BITS, (1,))) > 8 and _is_colour(tags):
            return DeepColour(data, "GTiff", (int(tags[WIDTH]), int(tags[HEIGHT])), int(tags.get(ORIENTATION, 1)))
    except Exception:  # noqa: BLE001 - errors of any kind; Pillow, which reads the file next, says what is wrong
        return None
    return None


def _is_colour(tags: ImageFileDirectory_v2) -> bool:
    extra, samples = tags.get(EXTRA_SAMPLES, ()), tags.get(SAMPLES, 1)
    is_plain = PREMULTIPLIED not in extra and COMPLEX_NUMBERS.isdisjoint(tags.get(NUMBERS, ()))
    return tags.get(PHOTOMETRIC) in (BLACK_IS_ZERO, RGB) and is_plain and (samples > 2 or extra == (ALPHA,))


def _tiff_tags(data: bytes) -> ImageFileDirectory_v2:
    """Of the first picture in the file."""
    tags = ImageFileDirectory_v2(data[:16] if data.startswith(BIG_TIFF_BEGINNINGS) else data[:8])
    file = io.BytesIO(data)
    file.seek(tags.next)
    tags.load(file)
    return tags
