"""What every store of bytes can do."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class ByteStore(Protocol):
    """A cache by key, for use from many threads; what is in it may be gone at any time, but never half there."""

    def get(self, key: str) -> bytes | None:
        """The value of ``key``; None if there is none, or its time is up.

        Raises:
            StorageError: the store can't be read.
        """
        ...

    def has(self, key: str) -> bool:
        """Whether `get` would give a value now; reads none of it, and counts as a use.

        Raises:
            StorageError: the store can't be read.
        """
        ...

    def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep ``value`` under ``key`` for ``ttl_s`` seconds at most; whoever reads meanwhile gets the old or the new.

        Raises:
            StorageError: the store can't be written.
        """
        ...

    def delete(self, key: str) -> None:
        """Forget ``key``, if it is there.

        Raises:
            StorageError: the store can't be written.
        """
        ...

    def tidy(self) -> None:
        """Let what is past its time take no room any more; `get` never gives it anyway.

        Raises:
            StorageError: the store can't be read or written.
        """
        ...

    def lock(self, key: str) -> AbstractContextManager[None]:
        """Wait until nobody else who uses this store holds the lock of ``key``, then hold it.

        The lock of a process that dies is free again by itself. It isn't reentrant, and has nothing to do with `get`
        and `put`, which never wait for it.

        Raises:
            StorageError: the store can't be reached.
        """
        ...
