"""Turning pictures upright, as their EXIF orientation says."""

from __future__ import annotations

from PIL import ExifTags, Image

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture upright, by its EXIF orientation. 1 is upright already."""


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """What would bring a picture upright; None where it is, or where its EXIF can't be read.

    Pillow turns a TIFF by itself when it loads the pixels, and has nothing to say afterwards.
    """
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - errors of any kind, and the pixels may be fine
        return None


def turned(image: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    """Turn a picture. ``ImageOps.exif_transpose`` packs the EXIF anew, too, and fails where that is odd."""
    return image if turn is None else image.transpose(turn)
