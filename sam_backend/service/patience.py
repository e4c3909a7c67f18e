"""How long somebody waits: from a request's arrival on, whatever has to be done for it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Of a person who waits for an answer, or of work ahead of time, which has all of it."""

    until_s: float
    """Of `time.monotonic`; infinite if it never ends."""

    is_person: bool = True

    @classmethod
    def of_person(cls, wait_s: float) -> Patience:
        """From now on."""
        return cls(time.monotonic() + wait_s)

    @property
    def left_s(self) -> float | None:
        """Not below 0; None if it never ends."""
        return None if math.isinf(self.until_s) else max(0.0, self.until_s - time.monotonic())

    def but_at_most(self, wait_s: float) -> Patience:
        """The same, which ends after ``wait_s`` seconds if it didn't before."""
        return Patience(min(self.until_s, time.monotonic() + wait_s), self.is_person)


AHEAD = Patience(math.inf, is_person=False)
"""Of work ahead of time."""
