"""What must not stand in a log, taken out of it: the last guard, behind those who don't write it in the first place."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LEFT_OUT = "***"
_PICTURE = re.compile(r"data:[\w.+-]+/[\w.+-]+[^\s,\"'<>]*,[^\s\"']*")
_WHO = re.compile(r"://[^\s/@\"'<>]+@")
_QUERY = re.compile(r"(\w+://(?![^\s?]*/data/local-files)[^\s?\"'<>]*)\?[^\s\"'<>]*")
"""Signatures; but for Label Studio's local files, of which the query is the path."""

_PARAMETER = re.compile(
    r"([?&][\w.-]*(?:token|signature|sig|key|credential|password|secret)[\w.-]*=)[^\s&\"'<>]+", re.IGNORECASE
)
_HEADER = re.compile(r"\b(Bearer|Token|Basic) [\w.~+/=-]{16,}")


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without pictures, passwords, tokens and queries of addresses.

    Args:
        text: a line, or several.
        secrets: further texts that are taken out wherever they stand.
    """
    for secret in secrets:
        text = text.replace(secret, _LEFT_OUT)
    text = _PICTURE.sub("data:...", text)
    text = _WHO.sub(f"://{_LEFT_OUT}@", text)
    text = _QUERY.sub(r"\1?...", text)
    text = _PARAMETER.sub(rf"\1{_LEFT_OUT}", text)
    return _HEADER.sub(rf"\1 {_LEFT_OUT}", text)
