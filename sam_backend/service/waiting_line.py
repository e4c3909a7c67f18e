"""Who comes next of those who wait, where some are in a hurry: each step takes the same time, however many wait."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class WaitingLine(Generic[T]):
    """Opened ones first, the last opened before all; then new ones, as they came. For one thread at a time.

    Args:
        capacity: how many may wait.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._opened: OrderedDict[Hashable, T] = OrderedDict()
        """The last comes first."""

        self._new: OrderedDict[Hashable, T] = OrderedDict()
        """The first comes first."""

    def add(self, key: Hashable, value: T, *, is_opened: bool) -> bool:
        """Let ``value`` wait in the place of what waited under the same key, or in a better one.

        Returns:
            False if it is a new one and there is no room. One that is opened takes the room of the last to come.
        """
        if is_opened:
            self._new.pop(key, None)
            self._opened[key] = value
            self._opened.move_to_end(key)
            self._make_room()
            return True
        line = self._opened if key in self._opened else self._new
        if key not in line and len(self) >= self._capacity:
            return False
        line[key] = value
        return True

    def pop(self) -> T:
        """Take out what comes next.

        Raises:
            KeyError: nothing waits.
        """
        _, value = self._opened.popitem() if self._opened else self._new.popitem(last=False)
        return value

    def clear(self) -> None:
        """Forget all."""
        self._opened.clear()
        self._new.clear()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._opened) + len(self._new)

    def _make_room(self) -> None:
        if len(self) <= self._capacity:
            return
        if self._new:
            self._new.popitem()
        else:
            self._opened.popitem(last=False)
