"""Masks as PNG with alpha, as Label Studio's bitmask regions want them: transparent where there is no object."""

from __future__ import annotations

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam_backend.errors import MaskError
from sam_backend.masks.check import check_mask

_BACKGROUND_RGB = (0, 0, 0)
_OBJECT_RGB = (255, 255, 255)
_PALETTE_ALPHA = bytes([0, 255])

PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    AssertionError,
    IndexError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)
"""What Pillow raises for damaged files: it reads most chunks of a PNG without asking first how long they are."""


def encode_mask_png(mask: NDArray[np.bool_]) -> bytes:
    """Write a (h, w) mask as a palette PNG of 1 bit a pixel: background transparent, object (True) opaque white.

    Raises:
        MaskError: ``mask`` is no (h, w) array of bool.
    """
    check_mask(mask)
    picture = Image.fromarray(mask.astype(np.uint8))
    picture.putpalette([*_BACKGROUND_RGB, *_OBJECT_RGB])  # two colours: Pillow then writes 1 bit a pixel
    png = io.BytesIO()
    picture.save(png, format="PNG", transparency=_PALETTE_ALPHA)
    return png.getvalue()


def decode_mask_png(data: bytes) -> NDArray[np.bool_]:
    """Read a mask (h, w) from any PNG with alpha: True where alpha isn't 0.

    Raises:
        MaskError: it is no PNG, is damaged, or has no alpha to tell the object by.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            mode = picture.mode
            alpha = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
    except PILLOW_ERRORS as error:
        raise MaskError(f"a mask of {len(data)} bytes is no PNG or a damaged one: send a whole PNG file") from error
    if alpha is None:
        raise MaskError(
            f"the PNG (mode {mode}) has no alpha, which is what tells object from background: "
            "save it with a transparent background"
        )
    return np.asarray(alpha) > 0
