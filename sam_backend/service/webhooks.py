"""What Label Studio tells of: taken at once, since it waits one second only, and worked on behind the answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from sam_backend.errors import SamBackendError
from sam_backend.service.background import Background
from sam_backend.service.event_log import LOGGER, log_event

_CAPACITY = 100
"""Events that wait: an annotation of 100 large masks has some megabytes."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One body of ``/webhook``."""

    action: str
    """Such as ANNOTATION_CREATED."""

    body: Mapping[str, Any]
    """As sent: any JSON may stand in it."""

    is_trusted: bool
    """Whether the sender showed the service's token. Label Studio does so for START_TRAINING only; where it is False,
    nothing but the ids may be believed."""

    @property
    def project_id(self) -> int | None:
        """Of the project it is about."""
        project = self.body.get("project")
        return id_of(project.get("id") if isinstance(project, dict) else project)


Handler: TypeAlias = Callable[[WebhookEvent], None]


class Webhooks:
    """Hands events to those who want to hear of their action; for use from many threads.

    Args:
        handlers: by action. They run one after another in one thread of the background; whatever they raise is logged.
    """

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = dict(handlers)
        self._background = Background("webhooks", _CAPACITY, _say_failed)

    def take(self, body: object, *, is_trusted: bool) -> None:
        """Queue an event for its handler; returns at once. What nobody handles, or nobody can read, is passed over."""
        action = body.get("action") if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(action, str) or action not in self._handlers:
            return
        event = WebhookEvent(action, body, is_trusted)
        if not self._background.add(partial(self._handlers[action], event)):
            log_event("webhook_dropped", level=logging.WARNING, action=action, reason="too many events wait")

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until all events are handled; whether that came about in time."""
        return self._background.wait_until_empty(timeout_s)


def id_of(value: object) -> int | None:
    """A database id of Label Studio, if it is one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def _say_failed(error: Exception) -> None:
    if isinstance(error, SamBackendError):
        log_event("webhook_failed", level=logging.WARNING, error=str(error))
    else:
        LOGGER.error("unexpected error in a webhook's handler", exc_info=error)
