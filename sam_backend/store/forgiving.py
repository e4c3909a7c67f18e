"""A store that may be down: then nothing is kept, and everybody works on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sam_backend.errors import StorageError
from sam_backend.store.byte_store import ByteStore

T = TypeVar("T")
_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 60.0


class ForgivingStore:
    """Another store, left alone for a while after each failure so that no click waits for it again and again.

    The pause doubles with each failure, from 5 s to a minute, and is short again once the store has worked.

    Args:
        store: what does the work.
        on_error: told of each failure, once per pause.
    """

    def __init__(self, store: ByteStore, on_error: Callable[[StorageError], None]) -> None:
        self._store = store
        self._on_error = on_error
        self._lock = threading.Lock()
        self._down_until_s = 0.0
        self._next_pause_s = _PAUSE_S

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

    def tidy(self) -> None:
        """See `ByteStore`; without effect while it is down."""
        self._try(self._store.tidy)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """See `ByteStore`; locks nothing while it is down."""
        lock = self._store.lock(key)
        is_held = self._try(lambda: (lock.__enter__(), True)) is not None
        try:
            yield
        finally:
            if is_held:
                self._attempt(lambda: lock.__exit__(None, None, None))  # while it is down too: others wait for it

    def _try(self, call: Callable[[], T]) -> T | None:
        return None if time.monotonic() < self._down_until_s else self._attempt(call)

    def _attempt(self, call: Callable[[], T]) -> T | None:
        began_s = time.monotonic()
        try:
            result = call()
        except StorageError as error:
            if self._begin_pause(began_s):
                self._on_error(error)
            return None
        self._note_success(began_s)
        return result

    def _note_success(self, began_s: float) -> None:
        with self._lock:
            if began_s >= self._down_until_s:  # within a pause only what was begun before it is brought to its end
                self._next_pause_s = _PAUSE_S

    def _begin_pause(self, began_s: float) -> bool:
        """Whether a call that began then is the first to fail since the last pause; others failed beside it."""
        with self._lock:
            if began_s < self._down_until_s:
                return False
            self._down_until_s = time.monotonic() + self._next_pause_s
            self._next_pause_s = min(2 * self._next_pause_s, _LONGEST_PAUSE_S)
            return True
