"""The two kinds of token of Label Studio, and the exchange that one of them needs.

A *legacy* token is sent as it is. A *personal access token* is a JWT that only buys access tokens:
``POST /api/token/refresh/ {"refresh": ...}`` gives one that is valid for five minutes and is sent as ``Bearer``.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import requests
import urllib3

from sam_backend.errors import ImageSourceError, UnreachableError
from sam_backend.label_studio.addresses import AddressGate, AllowedHosts
from sam_backend.label_studio.guarded_http import guarded_request
from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.label_studio.passing import is_passing

_REFRESH_PATH = "/api/token/refresh/"
_USUAL_LIFE_S = 300.0
_MARGIN_S = 30.0
_ANSWER_BYTES = 65_536
_MAX_HOSTS = 100
_NEW_PERSONAL_TOKEN = "make a new one under Account & Settings > Personal Access Token"  # noqa: S105 - a sentence  # nosec B105


class TokenKind(Enum):
    """What a token is by its shape."""

    LEGACY = "legacy token"
    PERSONAL = "personal access token"
    ACCESS = "short-lived access token"


def token_kind(token: str) -> TokenKind:
    """Tell the kinds apart: a JWT says itself whether it is for refreshing or for access; others are legacy."""
    claims = _claims(token)
    if claims is None:
        return TokenKind.LEGACY
    return TokenKind.ACCESS if claims.get("token_type") == "access" else TokenKind.PERSONAL


def _claims(token: str) -> dict[str, Any] | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None


@dataclass(frozen=True, slots=True)
class _Access:
    header: str = field(repr=False)
    renew_at_s: float
    """By the monotonic clock."""


class TokenExchange:
    """The ``Authorization`` for each Label Studio; for use from many threads, which share one exchange.

    Args:
        allowed: hosts that may be reached although their addresses aren't public.
        clock: monotonic seconds.
    """

    def __init__(self, allowed: AllowedHosts, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed = allowed
        self._clock = clock
        self._lock = threading.Lock()
        self._locks: OrderedDict[LabelStudioHost, threading.Lock] = OrderedDict()
        self._access: OrderedDict[LabelStudioHost, _Access] = OrderedDict()

    def authorization(self, host: LabelStudioHost, timeout_s: float, refused: str | None = None) -> str | None:
        """The header to send to ``host``; None if no token is known.

        Args:
            host: whose token is meant.
            timeout_s: for the exchange, if there is one.
            refused: a header that was just answered with 401; an access token that equals it is renewed.

        Raises:
            UnreachableError: the personal access token can't be exchanged now.
            ImageSourceError: it can't be exchanged at all.
        """
        if host.api_key is None:
            return None
        kind = token_kind(host.api_key)
        if kind is TokenKind.LEGACY:
            return f"Token {host.api_key}"
        if kind is TokenKind.ACCESS:
            return f"Bearer {host.api_key}"
        return self._exchanged(host, timeout_s, refused)

    def _exchanged(self, host: LabelStudioHost, timeout_s: float, refused: str | None) -> str:
        with self._lock_of(host):
            kept = self._access.get(host)
            if kept is not None and kept.header != refused and self._clock() < kept.renew_at_s:
                return kept.header
            started_s = self._clock()
            token = exchange(host, self._allowed, timeout_s)
            access = _Access(f"Bearer {token}", started_s + _life_s(token) - _MARGIN_S)
            with self._lock:
                self._access[host] = access
                while len(self._access) > _MAX_HOSTS:
                    self._access.popitem(last=False)
            return access.header

    def _lock_of(self, host: LabelStudioHost) -> threading.Lock:
        with self._lock:
            lock = self._locks.setdefault(host, threading.Lock())
            self._locks.move_to_end(host)
            while len(self._locks) > _MAX_HOSTS:
                self._locks.popitem(last=False)
            return lock


def exchange(host: LabelStudioHost, allowed: AllowedHosts, timeout_s: float) -> str:
    """Buy an access token with the personal access token of ``host``.

    Raises:
        UnreachableError: no answer, or one that says "not now".
        ImageSourceError: refused, with what to do.
    """
    gate = AddressGate(allowed, host.reach)
    body = {"refresh": host.api_key}
    try:
        with guarded_request(
            "POST", host.url + _REFRESH_PATH, gate, authorization=None, timeout_s=timeout_s, json=body
        ) as response:
            status = response.status_code
            data = response.raw.read(_ANSWER_BYTES, decode_content=True)
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise UnreachableError(
            f"{host.url}{_REFRESH_PATH} can't be reached ({type(error).__name__}), so the personal access token "
            "can't be exchanged: check LABEL_STUDIO_URL"
        ) from error
    if is_passing(status):
        raise UnreachableError(f"{_unexpected(host, status)}: ask again in a moment, or look at that server's log")
    if status != 200:
        raise ImageSourceError(_refusal(host, status))
    return _access_token(data, host)


def _refusal(host: LabelStudioHost, status: int) -> str:
    if status in (401, 403):
        return f"{host.url} refuses the personal access token ({status}): {_NEW_PERSONAL_TOKEN}"
    if status == 404:
        return f"{host.url} knows no personal access tokens (404): give a legacy token, or check LABEL_STUDIO_URL"
    if 300 <= status < 400:
        return f"{host.url} redirects instead of answering: set LABEL_STUDIO_URL to the address it redirects to"
    return f"{_unexpected(host, status)}: look at that server's log"


def _unexpected(host: LabelStudioHost, status: int) -> str:
    return f"{host.url} answered {status} when the personal access token was exchanged"


def _access_token(data: bytes, host: LabelStudioHost) -> str:
    try:
        token = json.loads(data)["access"]
    except (ValueError, KeyError, TypeError):
        token = None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise ImageSourceError(f"{host.url} gave no access token in exchange: check that it is a Label Studio")
    return token


def _life_s(token: str) -> float:
    """From issue to end by the token's own words; the difference needs no clock that agrees with the server's."""
    claims = _claims(token) or {}
    try:
        life_s = float(claims["exp"]) - float(claims["iat"])
    except (KeyError, TypeError, ValueError):
        return _USUAL_LIFE_S
    return life_s if life_s > 0 else _USUAL_LIFE_S


def cure_for_401(host: LabelStudioHost) -> str:
    """What to do when Label Studio answers 401 to the token of ``host``, or to none."""
    if host.api_key is None:
        return (
            "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY; a token is under Account & Settings > Personal Access Token"
        )
    kind = token_kind(host.api_key)
    if kind is TokenKind.PERSONAL:
        return f"even a fresh access token is refused: {_NEW_PERSONAL_TOKEN}, or allow them for the organization"
    if kind is TokenKind.ACCESS:
        return "LABEL_STUDIO_API_KEY is an access token, which ends after 5 minutes: give the personal access token"
    own = "LABEL_STUDIO_API_KEY is" if host.is_configured else "/setup handed over"
    return (
        f"{own} a legacy token that isn't valid there: set LABEL_STUDIO_URL, and LABEL_STUDIO_API_KEY to a personal "
        "access token (Account & Settings > Personal Access Token), or let the owner allow legacy tokens "
        "(Organization > API Tokens Settings)"
    )
