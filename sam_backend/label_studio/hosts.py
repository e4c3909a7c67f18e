"""Which Label Studio a picture is asked from, and with which token.

Both come from the environment. What ``/setup`` tells fills gaps, and is trusted no further than its own host:
anybody who reaches this service can post a ``/setup``, so it never decides where our own token goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from urllib3.util import parse_url

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class LabelStudioHost:
    """One Label Studio server."""

    url: str
    """http(s)://host[:port][/path] without a slash at the end."""

    api_key: str | None = field(default=None, repr=False)
    """A legacy token for this server."""


def same_origin(url: str, other_url: str) -> bool:
    """Whether scheme, host and port of two addresses agree; False for one that can't be read."""
    try:
        return _origin(url) == _origin(other_url)
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = parse_url(url)  # as the client that connects reads it: two readers might see two hosts
    if not parts.scheme or not parts.host:
        raise ValueError("an address without a host has no origin")
    return parts.scheme, parts.host, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def choose_host(own: LabelStudioHost | None, told: LabelStudioHost | None) -> LabelStudioHost | None:
    """Pick the server to ask: ``own`` (environment) before ``told`` (``/setup``); a token never changes hosts."""
    if own is None:
        return told
    if own.api_key is None and told is not None and same_origin(own.url, told.url):
        return LabelStudioHost(url=own.url, api_key=told.api_key)
    return own
