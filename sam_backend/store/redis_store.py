"""A store in Redis: one for several workers and machines. Redis itself keeps it small (maxmemory, allkeys-lru)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from redis import Redis, RedisError
from redis.lock import Lock

from sam_backend.errors import SettingsError, StorageError

_PREFIX = "sam:"
_CONNECT_TIMEOUT_S = 1.0
_TIMEOUT_S = 2.0
"""A click waits for it where Redis hangs; a picture's features, 4 MB, need a line of 20 Mbit/s."""

_LOCK_EXPIRES_S = 6.0
"""After its holder died. Who lives renews it three times as often."""


class RedisStore:
    """One Redis database; every key begins with "sam:".

    Args:
        url: redis://[:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// with TLS, unix:// for a socket; the password
            percent-encoded.

    Raises:
        SettingsError: the address makes no sense.
    """

    def __init__(self, url: str) -> None:
        try:
            self._shown = _place(url)
            self._redis = Redis.from_url(
                url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_CONNECT_TIMEOUT_S, health_check_interval=30
            )
        except ValueError:
            raise SettingsError(
                f"SAM_CACHE_URL names no Redis{_behind_password(url)}: give redis://[:PASSWORD@]HOST[:PORT][/DATABASE]"
                ", with signs such as / ? # @ in the password percent-encoded (%2F %3F %23 %40)"
            ) from None

    def get(self, key: str) -> bytes | None:
        """See `ByteStore`."""
        with self._told():
            value = self._redis.get(_PREFIX + key)
            return value if isinstance(value, bytes) else None

    def has(self, key: str) -> bool:
        """See `ByteStore`."""
        with self._told():
            return bool(self._redis.touch(_PREFIX + key))

    def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """See `ByteStore`."""
        with self._told():
            self._redis.set(_PREFIX + key, value, px=max(1, round(1000 * ttl_s)))

    def delete(self, key: str) -> None:
        """See `ByteStore`."""
        with self._told():
            self._redis.delete(_PREFIX + key)

    def tidy(self) -> None:
        """See `ByteStore`; Redis does so by itself."""

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """See `ByteStore`. It expires a few seconds after its holder died."""
        lock = Lock(self._redis, f"{_PREFIX}lock:{key}", timeout=_LOCK_EXPIRES_S, sleep=0.02, thread_local=False)
        with self._told():
            lock.acquire()
        released = threading.Event()
        renewing = threading.Thread(target=_renew, args=(lock, released), name="lock-renewal", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            released.set()
            renewing.join()
            with self._told():
                if lock.owned():
                    lock.release()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise StorageError(
                f"Redis at {self._shown} can't be used ({type(error).__name__}): start it, or change SAM_CACHE_URL"
            ) from error


def _place(url: str) -> str:
    """The host, or the path of a socket: all that is ever shown of an address.

    Raises:
        ValueError: it is no address, or what should be its password ends at a sign that isn't encoded.
    """
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path.rpartition("@")[2]
    if "@" in parts.path + parts.query + parts.fragment:
        raise ValueError("an @ behind the host")
    return parts.hostname or parts.path


def _behind_password(url: str) -> str:
    """What a wrong address may be known by; nothing where a password may stand there."""
    before, _, behind = url.rpartition("@")
    return f" ({behind.partition('?')[0]})" if before and "?" not in before else ""


def _renew(lock: Lock, released: threading.Event) -> None:
    while not released.wait(_LOCK_EXPIRES_S / 3):
        try:
            lock.reacquire()
        except RedisError:
            return  # lost: a second holder makes the same value again, which costs time and nothing else
