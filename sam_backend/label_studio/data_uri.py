"""Pictures that a task carries inside itself: ``data:image/png;base64,...``."""

from __future__ import annotations

import base64
from urllib.parse import unquote_to_bytes

from sam_backend.errors import ImageSourceError


def decode_data_uri(uri: str, max_bytes: int) -> bytes:
    """Decode a ``data:`` URI, base64 or percent-encoded.

    Raises:
        ImageSourceError: there is no comma, the base64 is damaged, or it holds more than ``max_bytes``.
    """
    header, comma, payload = uri.partition(",")
    if not comma:
        raise ImageSourceError("the task's data: URI has no comma: give data:image/png;base64,...")
    if len(payload) > 4 * max_bytes:  # neither encoding makes more than four signs of a byte
        raise ImageSourceError(_too_large(max_bytes))
    data = unquote_to_bytes(payload.encode(errors="replace"))
    if header.rstrip().endswith(";base64"):
        try:
            data = base64.b64decode(b"".join(data.split()), validate=True)
        except ValueError as error:
            raise ImageSourceError("the task's data: URI holds damaged base64: import the task again") from error
    if len(data) > max_bytes:
        raise ImageSourceError(_too_large(max_bytes))
    return data


def _too_large(max_bytes: int) -> str:
    return f"the task's data: URI holds more than the {max_bytes / 1e6:g} MB allowed: raise SAM_MAX_PICTURE_MB"
