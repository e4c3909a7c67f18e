"""What waits to be asked: one click and one view at most, since only the latest of each matters. No QGIS."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from .prompts import PromptStack


@dataclass(frozen=True, eq=False)
class View:
    """What the model is shown."""

    key: str
    """The same for the same pixels."""

    fields: dict[str, Any]
    """As the protocol wants them."""


@dataclass(frozen=True, eq=False)
class Job:
    """Something to ask the engine."""

    view: View
    prompts: PromptStack
    """Empty: only the embedding is wanted, ahead of the first click."""

    object_id: str = ""
    may_refine: bool = True
    """Whether the mask of before is what the user goes on from."""

    asked_at: float = 0.0
    """`time.perf_counter` of the click."""

    ready_at: float = 0.0
    """`time.perf_counter` when its view was there, which may have had to be rendered."""

    @property
    def is_click(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self.prompts)


class Mailbox:
    """Holds the latest click and the latest view that nobody has taken yet; for several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._click: Job | None = None
        self._view: Job | None = None
        self._is_closed = False

    def put(self, job: Job) -> None:
        """Leave a job; an earlier one of its kind that nobody has taken yet is forgotten."""
        with self._changed:
            if job.is_click:
                self._click = job
            else:
                self._view = job
            self._changed.notify_all()

    def take(self) -> Job | None:
        """Wait for a job; a click goes before a view. None once the box is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._click or self._view)
            if self._is_closed:
                return None
            job = self._click or self._view
            if job is self._click:
                self._click = None
            else:
                self._view = None
            return job

    def forget(self) -> None:
        """Throw away what waits."""
        with self._changed:
            self._click = self._view = None

    def is_overtaken(self, job: Job) -> bool:
        """Whether a taken job isn't worth its time any more.

        If the newer one is about the same view, the job goes on: its embedding is what the newer one needs.
        """
        with self._changed:
            newer = self._click if job.is_click else self._click or self._view
            return self._is_closed or (newer is not None and newer.view.key != job.view.key)

    def is_now_closed(self) -> bool:
        """Whether nothing will be taken any more."""
        with self._changed:
            return self._is_closed

    def close(self) -> None:
        """Wake whoever waits, for the last time."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
