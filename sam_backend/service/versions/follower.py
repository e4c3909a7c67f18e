"""Every worker follows the pointer: it loads what came in force while the old model answers, then switches."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, field

from sam_backend.service.model_loader import ModelLoader
from sam_backend.service.versions.book import Stamp, VersionBook
from sam_backend.service.versions.in_force import InForce

LOOK_EVERY_S = 1.0


@dataclass(eq=False)
class Follower:
    """Looks at the pointer's time stamp: microseconds, once a second, for as long as somebody holds on to it."""

    book: VersionBook
    in_force: InForce
    model: ModelLoader
    seen: Stamp
    """The pointer's, taken before the model was chosen that is loaded first."""

    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Look once a second from now on, in a thread of its own."""
        threading.Thread(
            target=_follow, args=(weakref.ref(self), self._stop), name="version-follower", daemon=True
        ).start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def look(self) -> bool:
        """Switch if the pointer was set since the last look; whether it was."""
        stamp = self.book.stamp()
        if stamp == self.seen:
            return False
        self.seen = stamp
        self.model.replace(self.in_force.source())
        return True


def _follow(follower: weakref.ref[Follower], stop: threading.Event) -> None:
    while not stop.wait(LOOK_EVERY_S):
        still_wanted = follower()
        if still_wanted is None:
            return
        still_wanted.look()
        del still_wanted
