"""What operations need of whoever runs them: a process of its own, or the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sam_backend.geo.protocol.view_book import ViewBook
from sam_backend.predict.predictor import Predictor


class ModelFacts(Protocol):
    """What can be said of the model right now."""

    @property
    def state(self) -> str:
        """``ready``, ``loading`` or ``failed``."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def version(self) -> str | None:
        """Its name and a hash of its weights; None until they are read."""

    @property
    def device(self) -> str | None:
        """None until it is loaded."""

    @property
    def error(self) -> str | None:
        """Why it failed."""


class Host(Protocol):
    """Threads may share it."""

    @property
    def views(self) -> ViewBook:
        """What was seen so far."""

    def model_facts(self) -> ModelFacts:
        """Say how things stand, at once."""

    def wait_for_model(self, is_cancelled: Callable[[], bool]) -> Predictor:
        """The model, once it is there.

        Raises:
            CheckpointError: it couldn't be loaded.
            UnavailableError: it isn't there yet, and the host doesn't want to wait any longer.
            CancelledError: ``is_cancelled`` said so.
        """

    def cancel(self, target: str) -> bool:
        """Stop the request of that id; False if there is none that goes on or waits."""
