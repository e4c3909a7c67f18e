"""A store that may be down: then nothing is kept, and everybody works on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sam_backend.errors import StorageError
from sam_backend.store.byte_store import ByteStore

T = TypeVar("T")
_PAUSE_S = 5.0


class ForgivingStore:
    """Another store, left alone for some seconds after each failure so that no click waits for it again and again.

    Args:
        store: what does the work.
        on_error: told of each failure, once per pause.
    """

    def __init__(self, store: ByteStore, on_error: Callable[[StorageError], None]) -> None:
        self._store = store
        self._on_error = on_error
        self._down_until_s = 0.0

    def get(self, key: str) -> bytes | None:
        """See `ByteStore`; None while it is down."""
        return self._try(lambda: self._store.get(key))

    def has(self, key: str) -> bool:
        """See `ByteStore`; False while it is down."""
        return self._try(lambda: self._store.has(key)) or False

    def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """See `ByteStore`; without effect while it is down."""
        self._try(lambda: self._store.put(key, value, ttl_s))

    def delete(self, key: str) -> None:
        """See `ByteStore`; without effect while it is down."""
        self._try(lambda: self._store.delete(key))

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """See `ByteStore`; locks nothing while it is down."""
        lock = self._store.lock(key)
        is_held = self._try(lambda: (lock.__enter__(), True)) is not None
        try:
            yield
        finally:
            if is_held:
                self._try(lambda: lock.__exit__(None, None, None))

    def _try(self, call: Callable[[], T]) -> T | None:
        if time.monotonic() < self._down_until_s:
            return None
        try:
            return call()
        except StorageError as error:
            self._down_until_s = time.monotonic() + _PAUSE_S
            self._on_error(error)
            return None
