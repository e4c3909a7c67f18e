"""Waiting for work that can't be interrupted, without having to see it through."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TypeVar

from sam_backend.errors import CancelledError

T = TypeVar("T")

POLL_S = 0.1


def wait_for(work: Callable[[], T], is_cancelled: Callable[[], bool]) -> T:
    """Do some work in a thread of its own and hand out what it gives, or raises.

    Raises:
        CancelledError: ``is_cancelled`` said so; the thread may still be busy, and nobody gets what it finds.
    """
    promise: Future[T] = Future()

    def do() -> None:
        try:
            promise.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            promise.set_exception(error)

    threading.Thread(target=do, name="patience", daemon=True).start()  # a program that ends doesn't wait for it
    while not is_cancelled():
        try:
            return promise.result(POLL_S)
        except FutureTimeoutError:
            if promise.done():  # the work's own timeout
                raise
    raise CancelledError("the work was cancelled: ask for it again if it is wanted after all")


def check_wanted(is_cancelled: Callable[[], bool]) -> None:
    """Make sure that going on makes sense.

    Raises:
        CancelledError: it doesn't.
    """
    if is_cancelled():
        raise CancelledError("the work was cancelled: ask for it again if it is wanted after all")
