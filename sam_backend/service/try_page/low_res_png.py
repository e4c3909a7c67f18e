"""A mask's low-res logits as a small text that the browser keeps and sends back to have the mask refined.

The browser keeps them, not the service: then any worker can answer any click, undoing needs no request, and a
restart loses nothing. A PNG of 8 bits is a tenth of the floats' size; logits are smooth.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam_backend.errors import RequestError

_STEPS_PER_LOGIT = 4
_ZERO = 128
_MOST_PX = 1024
"""Side of the largest square that is read: four times that of the official models."""


def encode_low_res(logits: NDArray[np.float32]) -> str:
    """Write (h, w) logits as base64 of a grey PNG: in steps of a quarter, cut at -32 and 31.75."""
    steps = (np.rint(logits * _STEPS_PER_LOGIT) + _ZERO).clip(0, 255).astype(np.uint8)
    png = io.BytesIO()
    Image.fromarray(steps).save(png, "PNG")
    return base64.b64encode(png.getvalue()).decode("ascii")


def decode_low_res(text: str) -> NDArray[np.float32]:
    """Read what `encode_low_res` wrote: (h, w) logits.

    Raises:
        RequestError: it is something else, or damaged.
    """
    try:
        steps = _read_grey(base64.b64decode(text, validate=True))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # Pillow's and base64's
        raise RequestError("'previous' is damaged: send back the 'low_res' of a mask as it came") from error
    logits: NDArray[np.float32] = (steps.astype(np.float32) - np.float32(_ZERO)) / np.float32(_STEPS_PER_LOGIT)
    return logits


def _read_grey(png: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
        if picture.mode != "L" or max(picture.size) > _MOST_PX:
            raise ValueError(f"{picture.size} px of {picture.mode}")
        return np.asarray(picture)
