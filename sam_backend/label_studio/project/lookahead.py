"""Work that threads do ahead of who needs it, a few items at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ahead(executor: Executor, work: Callable[[T], R], items: Iterable[T], n_ahead: int) -> Iterator[R]:
    """What ``work`` gives for each item, in order, while it is at work on the next ``n_ahead``.

    Unlike ``Executor.map`` it takes items only as they are needed, so that what waits is bounded.
    """
    left = iter(items)
    under_way: deque[Future[R]] = deque(executor.submit(work, item) for item in islice(left, n_ahead))
    while under_way:
        result = under_way.popleft().result()
        under_way.extend(executor.submit(work, item) for item in islice(left, 1))
        yield result
