"""One picture over http(s): bounded in bytes and time, with a token that goes to Label Studio's own host only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from sam_backend.errors import ImageSourceError
from sam_backend.label_studio.hosts import LabelStudioHost, same_origin

_MAX_REDIRECTS = 5
_CHUNK_BYTES = 1 << 16
_CURE_401 = (
    "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY to a legacy token (Account & Settings > Legacy Token; the "
    "organization may have to allow legacy tokens first; a personal access token doesn't work here)"
)
_CURES = {401: _CURE_401, 403: "let the token's user open this project", 404: "check that the file is still there"}


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much one picture may cost."""

    max_bytes: int
    """Of the file."""

    timeout_s: float
    """For all of it: connecting, redirects, every byte."""


def download(url: str, host: LabelStudioHost | None, limits: FetchLimits) -> bytes:
    """Fetch ``url``. The token of ``host`` is sent if ``url`` is of that host, and no longer once a redirect leaves it.

    Raises:
        ImageSourceError: unreachable, refused, too slow, too large, or redirected to something that is no web address.
    """
    deadline_s = time.monotonic() + limits.timeout_s
    api_key = host.api_key if host is not None and same_origin(url, host.url) else None
    try:
        for _ in range(_MAX_REDIRECTS + 1):
            check_web_address(url)
            with _open(url, api_key, _seconds_left(deadline_s, url)) as response:
                if not response.is_redirect:
                    _check_status(response, url, is_label_studio=host is not None and same_origin(url, host.url))
                    return b"".join(_chunks(response, url, limits.max_bytes, deadline_s))
                target = urljoin(url, response.headers["Location"])
            api_key = api_key if same_origin(url, target) else None
            url = target
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise _too_slow(url) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        # by its kind only: the text may hold the header that was refused, and with it the token
        raise ImageSourceError(
            f"{shown_url(url)} can't be reached ({type(error).__name__}): "
            "check the address, and that this service can get there"
        ) from error
    raise ImageSourceError(f"{shown_url(url)} is redirected more than {_MAX_REDIRECTS} times: give its final address")


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
            "give an http(s) or data: address, or one of Label Studio's own"
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


class _OnlyThisToken(requests.auth.AuthBase):
    """Sends the token, or nothing; without an ``auth`` of its own ``requests`` would look for one in ~/.netrc."""

    def __init__(self, api_key: str | None) -> None:
        self._api_key = api_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._api_key is not None:
            request.headers["Authorization"] = f"Token {self._api_key}"
        return request


def _open(url: str, api_key: str | None, timeout_s: float) -> requests.Response:
    return requests.get(url, auth=_OnlyThisToken(api_key), timeout=timeout_s, stream=True, allow_redirects=False)


def _check_status(response: requests.Response, url: str, *, is_label_studio: bool) -> None:
    if response.status_code == 200:
        return
    cure = _CURES.get(response.status_code, "look at that server's log") if is_label_studio else "give a public address"
    raise ImageSourceError(f"{shown_url(url)} answered {response.status_code}: {cure}")


def _chunks(response: requests.Response, url: str, max_bytes: int, deadline_s: float) -> Iterator[bytes]:
    n_bytes = 0
    # read1 gives what has arrived; read would wait for a full chunk, however slowly it drips
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        n_bytes += len(chunk)
        if n_bytes > max_bytes:
            raise ImageSourceError(
                f"{shown_url(url)} is larger than the {max_bytes / 1e6:g} MB allowed: raise SAM_MAX_PICTURE_MB"
            )
        _seconds_left(deadline_s, url)
        yield chunk


def _seconds_left(deadline_s: float, url: str) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise _too_slow(url)
    return left_s


def _too_slow(url: str) -> ImageSourceError:
    return ImageSourceError(f"{shown_url(url)} took too long: check the connection, or raise SAM_FETCH_TIMEOUT_S")
