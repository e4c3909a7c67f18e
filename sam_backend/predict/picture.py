"""Pictures of every common kind as upright 8-bit RGB."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from sam_backend.errors import ImageError
from sam_backend.predict.deep_colour import find_deep_colour
from sam_backend.predict.upright import turn_of, turned

MAX_PIXELS = 178_000_000
"""Beyond it Pillow itself refuses a picture as a decompression bomb."""


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture file; see `decode_picture`.

    Raises:
        ImageError: the file can't be opened or is no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} can't be opened: {error.strerror}") from None
    return decode_picture(data, name=path.name)


def decode_picture(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Decode a picture to (h, w, 3) RGB, turned upright by its EXIF orientation; one that can't be read turns nothing.

    Transparent parts become white, as a browser shows them. More than 8 bits in PNG and TIFF, of grey or of RGB, are
    stretched from the darkest to the brightest value, the channels together, so that a 12-bit picture in a 16-bit file
    isn't black. Of an animation the first frame counts.

    Args:
        data: the file's bytes.
        name: what to call the picture in an error.
        max_pixels: a larger picture is refused before it is decoded.

    Raises:
        ImageError: no picture, a damaged one, or one of too many pixels.
    """
    try:
        return np.asarray(_to_rgb(_upright(data, name, max_pixels)))
    except UnidentifiedImageError:
        raise ImageError(f"{name} is no picture that can be read: give a PNG, JPEG, TIFF, WebP, BMP or GIF") from None
    except Image.DecompressionBombError:
        raise ImageError(_too_large(name, max_pixels)) from None
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # decoders fail with errors of any kind
        raise ImageError(f"{name} is a damaged picture ({error}): save or fetch it again") from error


def _upright(data: bytes, name: str, max_pixels: int) -> Image.Image:
    deep = find_deep_colour(data)
    if deep is not None:
        _check_size(deep.size_wh, name, max_pixels)
        return turned(_stretched_together(*deep.read()), deep.turn())
    with Image.open(io.BytesIO(data)) as image:
        _check_size(image.size, name, max_pixels)
        image.load()
        return turned(image, turn_of(image))


def _check_size(size_wh: tuple[int, int], name: str, max_pixels: int) -> None:
    width, height = size_wh
    if width * height > max_pixels:
        raise ImageError(f"{_too_large(name, max_pixels)}; it has {width} x {height}")


def _too_large(name: str, max_pixels: int) -> str:
    return f"{name} has more than the {max_pixels / 1e6:g} megapixels allowed: make it smaller or cut it into tiles"


def _stretched_together(bands: NDArray[Any], opacity: NDArray[np.uint8] | None) -> Image.Image:
    """Stretch bands (1 or 3, h, w) by the same two values, so that hues stay. What isn't seen has no say."""
    seen = bands if opacity is None else bands[:, opacity > 0]
    finite = seen[np.isfinite(seen)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    channels = [stretch_to_uint8(band.astype(np.float64), low, high) for band in bands]
    image = Image.merge("RGB", [Image.fromarray(channels[index % len(channels)]) for index in range(3)])
    if opacity is not None:
        image.putalpha(Image.fromarray(opacity))
    return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(stretch_to_uint8(np.asarray(image, np.float64))).convert("RGB")
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image.convert("RGB")


def stretch_to_uint8(
    values: NDArray[np.floating], low: float | None = None, high: float | None = None
) -> NDArray[np.uint8]:
    """Map ``low``..``high`` (by default the smallest and largest finite value) to 0..255, clipping the rest."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.zeros(values.shape, np.uint8)
    low = float(finite.min()) if low is None else low
    high = float(finite.max()) if high is None else high
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-12)
    stretched: NDArray[np.uint8] = np.round(255 * scaled.clip(0, 1)).astype(np.uint8)
    return stretched
