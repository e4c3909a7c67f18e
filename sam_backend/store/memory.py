"""A store in this process: what one worker needs."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class MemoryStore:
    """The least recently used go first.

    Args:
        capacity_bytes: what all values may hold together. A larger value isn't kept.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._held_bytes = 0
        self._locks: dict[str, threading.Lock] = {}
        self._users: defaultdict[str, int] = defaultdict(int)

    @property
    def held_bytes(self) -> int:
        """What all values hold together; never more than the capacity."""
        with self._lock:
            return self._held_bytes

    def get(self, key: str) -> bytes | None:
        """See `ByteStore`."""
        with self._lock:
            if key not in self._kept:
                return None
            expires_s, value = self._kept[key]
            if time.monotonic() >= expires_s:
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            return value

    def has(self, key: str) -> bool:
        """See `ByteStore`."""
        return self.get(key) is not None

    def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """See `ByteStore`."""
        with self._lock:
            self._drop(key)
            if len(value) > self._capacity_bytes:
                return
            self._kept[key] = (time.monotonic() + ttl_s, value)
            self._held_bytes += len(value)
            while self._held_bytes > self._capacity_bytes:
                self._drop(next(iter(self._kept)))

    def delete(self, key: str) -> None:
        """See `ByteStore`."""
        with self._lock:
            self._drop(key)

    def tidy(self) -> None:
        """See `ByteStore`."""
        with self._lock:
            now_s = time.monotonic()
            for key in [key for key, (expires_s, _) in self._kept.items() if now_s >= expires_s]:
                self._drop(key)

    def _drop(self, key: str) -> None:
        if key in self._kept:
            self._held_bytes -= len(self._kept.pop(key)[1])

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """See `ByteStore`."""
        with self._lock:
            mine = self._locks.setdefault(key, threading.Lock())
            self._users[key] += 1
        try:
            with mine:
                yield
        finally:
            with self._lock:
                self._users[key] -= 1
                if not self._users[key]:
                    del self._users[key], self._locks[key]
