"""What is to go after a time goes then, whether or not anybody asks the service for anything."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence

EVERY_S = 3600.0


class Housekeeping:
    """Does chores when it is started and hourly from then on, for as long as somebody holds on to it.

    Its thread sleeps in between, and holds up no end of the program.

    Args:
        chores: each is done, whatever becomes of the others; they may be cut short, and done in several processes at
            once.
        on_error: told what a chore ended with.
    """

    def __init__(self, chores: Sequence[Callable[[], None]], on_error: Callable[[Exception], None]) -> None:
        self._stop = threading.Event()
        self._work = (tuple(chores), on_error, self._stop)  # without itself, which its thread would hold on to
        weakref.finalize(self, self._stop.set)

    def start(self) -> None:
        """Begin, in a thread of its own; where a server forks, in its workers, since threads don't survive that."""
        threading.Thread(target=_keep_house, args=self._work, name="housekeeping", daemon=True).start()

    def stop(self) -> None:
        """Begin no further chore."""
        self._stop.set()


def _keep_house(
    chores: Sequence[Callable[[], None]], on_error: Callable[[Exception], None], stop: threading.Event
) -> None:
    while not stop.is_set():
        for chore in chores:
            try:
                chore()
            except Exception as error:  # noqa: BLE001 - the outermost edge of this thread
                on_error(error)
        stop.wait(EVERY_S)
