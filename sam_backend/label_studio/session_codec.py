"""Sessions as bytes: JSON for what is small, the logits behind it in float16. No pickle.

The logits of a real click are not compressed: that takes longer than all else here, and spares less than a tenth.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import StorageError
from sam_backend.label_studio.own_session import Session
from sam_backend.label_studio.session import Box, Click, Drawn, LastObject
from sam_backend.masks.rle_coco import CocoRle

_START = struct.Struct("<8sI")
"""Magic with the version of this layout, length of the JSON that follows; then the logits of each session."""

_MAGIC = b"SAMses03"
_MOST_FLOAT16 = float(np.finfo(np.float16).max)


def encode_sessions(sessions: Sequence[Session]) -> bytes:
    """Write the sessions of one label of one task."""
    logits = [_pack(session.last.logits) for session in sessions]
    about = [_to_json(session, len(packed)) for session, packed in zip(sessions, logits, strict=True)]
    header = json.dumps(about).encode()
    return b"".join([_START.pack(_MAGIC, len(header)), header, *logits])


def decode_sessions(data: bytes) -> list[Session]:
    """Read what `encode_sessions` wrote.

    Raises:
        StorageError: damaged, or of another layout.
    """
    try:
        magic, n_header = _START.unpack_from(data)
        if magic != _MAGIC:
            raise StorageError("the kept sessions are of another layout: start new ones")
        start = _START.size + n_header
        sessions = []
        for about in json.loads(data[_START.size : start]):
            stop = start + about["n_logits"]
            if stop > len(data):
                raise ValueError("cut off")
            sessions.append(_from_json(about, _unpack(data[start:stop])))
            start = stop
        return sessions
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise StorageError("the kept sessions are damaged: start new ones") from error


def rounded(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits as they come back from a store."""
    return logits.clip(-_MOST_FLOAT16, _MOST_FLOAT16).astype(np.float16).astype(np.float32)


def _to_json(session: Session, n_logits: int) -> dict[str, Any]:
    last = session.last
    return {
        "id": session.id,
        "user": session.user,
        "picture": session.picture,
        "at_s": session.at_s,
        "region_id": last.region_id,
        "clicks": [[click.x_px, click.y_px, click.is_foreground, click.item_id] for click in last.drawn.clicks],
        "box": None if last.drawn.box is None else [*last.drawn.box.xyxy, last.drawn.box.item_id],
        "n_settled": last.n_settled,
        "masks": [last.mask_rle, *last.earlier_rles],
        "n_logits": n_logits,
    }


def _from_json(about: dict[str, Any], logits: NDArray[np.float32]) -> Session:
    mask_rle, *earlier_rles = (CocoRle(size=rle["size"], counts=rle["counts"]) for rle in about["masks"])
    box = about["box"]
    drawn = Drawn(
        clicks=tuple(Click(x_px, y_px, is_fore, item_id) for x_px, y_px, is_fore, item_id in about["clicks"]),
        box=None if box is None else Box((box[0], box[1], box[2], box[3]), box[4]),
    )
    last = LastObject(about["region_id"], drawn, about["n_settled"], mask_rle, logits, tuple(earlier_rles))
    return Session(id=about["id"], user=about["user"], picture=about["picture"], last=last, at_s=about["at_s"])


def _pack(logits: NDArray[np.float32]) -> bytes:
    return rounded(logits).astype("<f2").tobytes()


def _unpack(data: bytes) -> NDArray[np.float32]:
    values = np.frombuffer(data, "<f2").astype(np.float32)
    side = round(values.size**0.5)
    return values.reshape(side, side)
