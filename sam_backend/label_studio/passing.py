"""Which answers of a server say "not now" and not "no"."""

from __future__ import annotations

_PASSING = (429, 500, 502, 503, 504)


def is_passing(status: int) -> bool:
    """Whether the same request may be answered otherwise in a moment."""
    return status in _PASSING
