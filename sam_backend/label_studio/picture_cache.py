"""Fetched pictures, kept for the next click: one download for all who ask, and none while the last one is fresh."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property

FRESH_S = 60.0
"""After it the server is asked again; one that knows ETag or Last-Modified then answers "not modified"."""


@dataclass(frozen=True)
class FetchedPicture:
    """The bytes of a picture's file, and what the server said about their version."""

    data: bytes = field(repr=False)

    etag: str | None = None

    last_modified: str | None = None

    @cached_property
    def sha256(self) -> bytes:
        """Of ``data``; a picture that is kept is hashed once."""
        return hashlib.sha256(self.data).digest()

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return len(self.data)

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that ask for the picture only if it has changed; none if the server gave nothing to go by."""
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in conditions.items() if value}


@dataclass(slots=True)
class _Kept:
    picture: FetchedPicture
    checked_s: float
    never_changes: bool


class PictureCache:
    """A store of fetched pictures, bounded in bytes, for use from many threads.

    Args:
        capacity_bytes: what all kept pictures may hold together; 0 keeps none, and still shares downloads.
        clock: monotonic seconds.
    """

    def __init__(self, capacity_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.capacity_bytes = capacity_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._under_way: dict[Hashable, Future[FetchedPicture]] = {}
        self._held_bytes = 0

    @property
    def held_bytes(self) -> int:
        """What all kept pictures hold together."""
        with self._lock:
            return self._held_bytes

    def __len__(self) -> int:
        """How many pictures are kept."""
        with self._lock:
            return len(self._kept)

    def is_fresh(self, key: Hashable) -> bool:
        """Whether `get` would have nothing to fetch."""
        with self._lock:
            return self._fresh(key) is not None

    def get(
        self,
        key: Hashable,
        fetch: Callable[[FetchedPicture | None], FetchedPicture],
        *,
        never_changes: bool = False,
    ) -> FetchedPicture:
        """Return the picture of ``key``, fetched now if it isn't kept or no longer fresh.

        Who asks for a key that is under way waits for that one download, or gets the error it ends with. Errors
        aren't kept.

        Args:
            key: who may see what: address, server and token.
            fetch: gets the picture kept so far, or None; returns that same picture if it is still right.
            never_changes: whether what is kept stays fresh for as long as it is kept.
        """
        with self._lock:
            fresh, kept = self._fresh(key), self._kept.get(key)
            if fresh is not None:
                self._kept.move_to_end(key)
                return fresh
            shared = self._under_way.get(key)
            mine: Future[FetchedPicture] | None = None
            if shared is None:
                shared = mine = self._under_way[key] = Future()
        if mine is not None:
            self._fetch(key, lambda: fetch(None if kept is None else kept.picture), mine, never_changes)
        return shared.result()

    def _fresh(self, key: Hashable) -> FetchedPicture | None:
        kept = self._kept.get(key)
        if kept is not None and (kept.never_changes or self._clock() - kept.checked_s < FRESH_S):
            return kept.picture
        return None

    def _fetch(
        self, key: Hashable, fetch: Callable[[], FetchedPicture], promise: Future[FetchedPicture], never_changes: bool
    ) -> None:
        try:
            picture = fetch()
        except BaseException as error:  # noqa: BLE001 - handed to everyone who waits, raised again by result()
            with self._lock:
                del self._under_way[key]
                self._drop(key)
            promise.set_exception(error)
            return
        with self._lock:
            del self._under_way[key]
            self._drop(key)
            self._keep(key, _Kept(picture, self._clock(), never_changes))
        promise.set_result(picture)

    def _keep(self, key: Hashable, kept: _Kept) -> None:
        if kept.picture.nbytes > self.capacity_bytes:
            return
        self._kept[key] = kept
        self._held_bytes += kept.picture.nbytes
        while self._held_bytes > self.capacity_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._held_bytes -= kept.picture.nbytes
