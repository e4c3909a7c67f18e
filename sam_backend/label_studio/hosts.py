"""Which Label Studio a picture is asked from, and with which token.

Both come from the environment. What ``/setup`` tells fills gaps, and is trusted no further than its own host:
anybody who reaches this service can post a ``/setup``, so it never decides where our own token goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from urllib3.util import parse_url

from sam_backend.label_studio.addresses import Reach

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class LabelStudioHost:
    """One Label Studio server."""

    url: str
    """http(s)://host[:port][/path] without a slash at the end."""

    api_key: str | None = field(default=None, repr=False)
    """A legacy or personal access token for this server."""

    is_configured: bool = False
    """Whether the environment named it, and not a ``/setup``, which anybody can post."""

    @property
    def reach(self) -> Reach:
        """Which addresses it may be at: a server that somebody told of may be private, but no metadata service."""
        return Reach.ANYWHERE if self.is_configured else Reach.NETWORK


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
        return replace(own, api_key=told.api_key)
    return own


def by_own_name(url: str, own: LabelStudioHost, public_urls: Iterable[str]) -> str:
    """Turn an address that begins with one of Label Studio's public names into one by the name used here.

    Behind Docker or a proxy people say https://labels.example.org where this service says http://label-studio:8080.
    """
    for public in public_urls:
        base_path = (parse_url(public).path or "").rstrip("/")
        if same_origin(url, public) and f"{parse_url(url).path or ''}/".startswith(f"{base_path}/"):
            return own.url + parse_url(url).request_uri[len(base_path) :]
    return url
