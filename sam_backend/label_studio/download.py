"""One picture over http(s): bounded in bytes and time, with a token that goes to Label Studio's own host only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from sam_backend.errors import ImageSourceError
from sam_backend.label_studio.addresses import AddressGate, AllowedHosts, Reach
from sam_backend.label_studio.guarded_http import guarded_request
from sam_backend.label_studio.hosts import LabelStudioHost, same_origin
from sam_backend.label_studio.picture_cache import FetchedPicture
from sam_backend.label_studio.tokens import TokenExchange, cure_for_401

_MAX_REDIRECTS = 5
_CHUNK_BYTES = 1 << 16
_CURES = {
    403: "let the token's user open this project",
    404: "check that the file is still there; of a cloud address, that the project's storage for it is connected",
    424: "Label Studio can't read its storage: check the storage's credentials in the project's settings",
}
_FOREIGN_CURES = {
    401: "give a public address, or let Label Studio serve it (upload, local files, cloud storage)",
    403: "give a public address, or sync the storage again if the address was signed and has expired",
    404: "check that the picture is still there",
}


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much one picture may cost."""

    max_bytes: int
    """Of the file."""

    timeout_s: float
    """For all of it: connecting, redirects, every byte."""


@dataclass(frozen=True, slots=True)
class Downloader:
    """Fetches pictures: with a token from Label Studio, without one and from public addresses only elsewhere."""

    limits: FetchLimits

    allowed: AllowedHosts

    tokens: TokenExchange

    def get(
        self,
        url: str,
        host: LabelStudioHost | None,
        *,
        known: FetchedPicture | None = None,
        trusts_redirect: bool = False,
    ) -> FetchedPicture:
        """Fetch ``url``. The token of ``host`` is sent if ``url`` is of that host, and no longer once it was left.

        Args:
            url: http(s).
            host: the Label Studio that the task comes from.
            known: what was fetched before; returned again if the server says that it is still right.
            trusts_redirect: whether ``host`` may redirect into the private network, as to its own object store.

        Raises:
            ImageSourceError: unreachable, refused, too slow, too large, or redirected to where it may not go.
        """
        deadline_s = time.monotonic() + self.limits.timeout_s
        hop = _first_hop(url, host, trusts_redirect)
        try:
            for _ in range(_MAX_REDIRECTS + 1):
                check_web_address(hop.url)
                with self._answer(hop, known, deadline_s) as response:
                    if not response.is_redirect:
                        return self._picture(response, hop, known, deadline_s)
                    hop = hop.redirected(urljoin(hop.url, response.headers["Location"]))
        except ImageSourceError as error:
            if hop.moved is None:
                raise
            raise ImageSourceError(hop.moved) from error
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise _too_slow(hop.url) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            # by its kind only: the text may hold the header that was refused, and with it the token
            raise ImageSourceError(
                f"{shown_url(hop.url)} can't be reached ({type(error).__name__}): "
                "check the address, and that this service can get there"
            ) from error
        raise ImageSourceError(
            f"{shown_url(url)} is redirected more than {_MAX_REDIRECTS} times: give its final address"
        )

    @contextmanager
    def _answer(self, hop: _Hop, known: FetchedPicture | None, deadline_s: float) -> Iterator[requests.Response]:
        """The answer to one request; to a second one with a fresh token where the first is answered with 401."""
        authorization = self._authorization(hop, deadline_s)
        with self._ask(hop, authorization, known, deadline_s) as response:
            renewed = self._authorization(hop, deadline_s, authorization) if response.status_code == 401 else None
            if renewed is None or renewed == authorization:
                yield response
                return
        with self._ask(hop, renewed, known, deadline_s) as response:
            yield response

    def _authorization(self, hop: _Hop, deadline_s: float, refused: str | None = None) -> str | None:
        if hop.host is None:
            return None
        return self.tokens.authorization(hop.host, _seconds_left(deadline_s, hop.url), refused)

    def _ask(
        self, hop: _Hop, authorization: str | None, known: FetchedPicture | None, deadline_s: float
    ) -> AbstractContextManager[requests.Response]:
        return guarded_request(
            "GET",
            hop.url,
            AddressGate(self.allowed, hop.reach),
            authorization=authorization,
            timeout_s=_seconds_left(deadline_s, hop.url),
            headers=known.conditions if known is not None else None,
        )

    def _picture(
        self, response: requests.Response, hop: _Hop, known: FetchedPicture | None, deadline_s: float
    ) -> FetchedPicture:
        if response.status_code == 304 and known is not None:
            return known
        _check_status(response, hop)
        _check_announced_size(response, hop.url, self.limits.max_bytes)
        return FetchedPicture(
            data=b"".join(_chunks(response, hop.url, self.limits.max_bytes, deadline_s)),
            etag=response.headers.get("ETag"),
            last_modified=response.headers.get("Last-Modified"),
        )


@dataclass(frozen=True, slots=True)
class _Hop:
    """One address on the way, and what may be done there."""

    url: str
    host: LabelStudioHost | None
    """Set while on Label Studio: its token is sent."""

    reach: Reach
    reach_of_redirect: Reach

    moved: str | None = None
    """What to say if it ends in an error, once Label Studio has redirected to the same path of another server."""

    def redirected(self, target: str) -> _Hop:
        """The next hop: on the same server as before, or elsewhere, without a token and never back."""
        if self.host is not None and same_origin(self.url, target):
            return replace(self, url=target)
        moved = self.moved if self.host is None else _moved(self.host, self.url, target)
        return _Hop(target, None, self.reach_of_redirect, Reach.PUBLIC, moved)


def _moved(host: LabelStudioHost, url: str, target: str) -> str | None:
    here, there = urlsplit(url), urlsplit(target)
    if (here.path, here.query) != (there.path, there.query):
        return None
    address = shown_url(target.removesuffix(url.removeprefix(host.url)))
    return (
        f"{host.url} redirects to {address}, and a token isn't sent past a redirect: set LABEL_STUDIO_URL to {address}"
    )


def _first_hop(url: str, host: LabelStudioHost | None, trusts_redirect: bool) -> _Hop:
    if host is None or not same_origin(url, host.url):
        return _Hop(url, None, Reach.PUBLIC, Reach.PUBLIC)
    may_be_private = trusts_redirect and host.is_configured
    return _Hop(url, host, host.reach, Reach.NETWORK if may_be_private else Reach.PUBLIC)


def check_web_address(url: str) -> None:
    """Refuse what isn't http(s) with a host.

    Raises:
        ImageSourceError: it is something else.
    """
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_web = False
    if not is_web:
        raise ImageSourceError(
            f"pictures at addresses like {shown_url(url)!r} aren't fetched: "
            "give http(s)://..., data:image/..., s3://..., gs://..., azure-blob://..., or a path on Label Studio"
        )


def shown_url(url: str) -> str:
    """``url`` as it may stand in a log: without content, credentials and signature, and short."""
    if url[:5].lower() == "data:":
        return "data:..."
    names_a_file = "/data/local-files" in url  # its query is a path; others may be signatures
    bare = url if names_a_file else url.split("?")[0].split("#")[0]
    scheme, slashes, rest = bare.partition("://")
    authority, slash, path = rest.partition("/")
    return (scheme + slashes + authority.rpartition("@")[2] + slash + path)[:200]


def _check_status(response: requests.Response, hop: _Hop) -> None:
    status = response.status_code
    if status == 200:
        return
    if hop.host is None:
        cure = _FOREIGN_CURES.get(status, "check the address, and that it needs no login")
    else:
        cure = cure_for_401(hop.host) if status == 401 else _CURES.get(status, "look at that server's log")
    raise ImageSourceError(f"{shown_url(hop.url)} answered {status}: {cure}")


def _check_announced_size(response: requests.Response, url: str, max_bytes: int) -> None:
    announced = response.headers.get("Content-Length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > max_bytes:
        raise _too_large(url, max_bytes)


def _chunks(response: requests.Response, url: str, max_bytes: int, deadline_s: float) -> Iterator[bytes]:
    n_bytes = 0
    # read1 gives what has arrived; read would wait for a full chunk, however slowly it drips
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        n_bytes += len(chunk)
        if n_bytes > max_bytes:
            raise _too_large(url, max_bytes)
        _seconds_left(deadline_s, url)
        yield chunk


def _seconds_left(deadline_s: float, url: str) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise _too_slow(url)
    return left_s


def _too_large(url: str, max_bytes: int) -> ImageSourceError:
    return ImageSourceError(
        f"{shown_url(url)} is larger than the {max_bytes / 1e6:g} MB allowed: raise SAM_MAX_PICTURE_MB"
    )


def _too_slow(url: str) -> ImageSourceError:
    return ImageSourceError(f"{shown_url(url)} took too long: check the connection, or raise SAM_FETCH_TIMEOUT_S")
