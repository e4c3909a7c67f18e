"""Embeddings kept in memory: the least recently used go first, and no picture is encoded twice at the same time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar


class HasNbytes(Protocol):
    """Anything that knows how much memory it holds."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        ...


T = TypeVar("T", bound=HasNbytes)


class EmbeddingCache(Generic[T]):
    """A store by content, bounded in bytes, for use from many threads.

    Args:
        capacity_bytes: what all kept values may hold together. A larger value is made and handed out, but not kept.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._in_the_making: dict[Hashable, Future[T]] = {}
        self._held_bytes = 0

    @property
    def held_bytes(self) -> int:
        """What all kept values hold together; never more than the capacity."""
        with self._lock:
            return self._held_bytes

    def get(self, key: Hashable) -> T | None:
        """Return the value of ``key`` if it is kept; never waits for one in the making."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key]

    def get_or_make(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of ``key``, made now if it isn't kept.

        Who asks for a key that is in the making waits for that one value, or gets the error it ends with. Errors
        aren't kept: the next one to ask tries again. Other keys don't wait.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            shared = self._in_the_making.get(key)
            mine: Future[T] | None = None
            if shared is None:
                shared = mine = self._in_the_making[key] = Future()
        if mine is not None:
            self._make(key, make, mine)
        return shared.result()

    def _make(self, key: Hashable, make: Callable[[], T], promise: Future[T]) -> None:
        try:
            value = make()
        except BaseException as error:  # noqa: BLE001 - handed to everyone who waits, raised again by result()
            with self._lock:
                del self._in_the_making[key]
            promise.set_exception(error)
            return
        with self._lock:
            del self._in_the_making[key]
            self._keep(key, value)
        promise.set_result(value)

    def _keep(self, key: Hashable, value: T) -> None:
        if value.nbytes > self._capacity_bytes:
            return
        self._kept[key] = value
        self._held_bytes += value.nbytes
        while self._held_bytes > self._capacity_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._held_bytes -= oldest.nbytes
