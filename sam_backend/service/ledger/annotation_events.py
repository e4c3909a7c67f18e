"""What ANNOTATION_* webhooks do to the ledger."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from sqlite3 import Connection

from sam_backend.errors import ImageSourceError
from sam_backend.label_studio.studio_api import StudioApi
from sam_backend.service.event_log import log_event
from sam_backend.service.ledger.comparing import Verdict, compare
from sam_backend.service.ledger.ledger import Ledger
from sam_backend.service.ledger.submitted import Submitted, parse_annotation
from sam_backend.service.ledger.writing import (
    delete_annotation,
    is_newest,
    read_answers,
    read_prompt_ids,
    read_verdicts,
    write_verdicts,
)
from sam_backend.service.webhooks import Handler, WebhookEvent, id_of

_WRITTEN_WITHIN_S = 5.0
"""How long a comparison waits for answers that were given just before."""


@dataclass(frozen=True, slots=True)
class AnnotationEvents:
    """Compares annotations with what was answered; for the thread of the webhooks."""

    ledger: Ledger
    studio: StudioApi | None
    """Asked about events that came without a token; None if there is no key to ask with."""

    def handlers(self) -> Mapping[str, Handler]:
        """By action."""
        return {
            "ANNOTATION_CREATED": self.take,
            "ANNOTATION_UPDATED": self.take,
            "ANNOTATIONS_DELETED": self.take_deletion,
        }

    def take(self, event: WebhookEvent) -> None:
        """Compare an annotation that was submitted, or submitted anew.

        Raises:
            RequestError: the event has no annotation that makes sense.
            ImageSourceError: Label Studio can't be asked about it.
        """
        annotation = event.body.get("annotation")
        if not event.is_trusted:
            its_id = id_of(annotation.get("id")) if isinstance(annotation, Mapping) else None
            annotation = None if its_id is None else self._ask(event, its_id)
            if annotation is None:
                return
        self._compare(parse_annotation(annotation))

    def take_deletion(self, event: WebhookEvent) -> None:
        """Forget annotations that were deleted.

        Raises:
            ImageSourceError: Label Studio can't be asked about them.
        """
        listed = event.body.get("annotations")
        named = [one.get("id") for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
        ids = [its_id for one in named if (its_id := id_of(one)) is not None]
        if not event.is_trusted:
            ids = [its_id for its_id in ids if self._is_gone(event, its_id)]
        for its_id in ids:
            self.ledger.write(partial(delete_annotation, annotation=its_id))

    def _compare(self, submitted: Submitted) -> None:
        self.ledger.wait_until_written(_WRITTEN_WITHIN_S)
        verdicts = self.ledger.read(
            partial(_verdicts, submitted=submitted)
        )  # others may write while masks are compared
        if verdicts is None:
            return

        def write(connection: Connection) -> None:
            if is_newest(connection, submitted):
                write_verdicts(connection, submitted, verdicts, self.ledger.clock())

        if self.ledger.write(write):
            counts = Counter(verdict.outcome.replace(" ", "_") for verdict in verdicts)
            log_event("annotation_compared", task=submitted.task, annotation=submitted.id, **counts)

    def _ask(self, event: WebhookEvent, annotation: int) -> object:
        """The annotation as Label Studio knows it: anybody can post an event. None if it can't be told."""
        if self.studio is None:
            _say_ignored(event, "it came without this service's token, and LABEL_STUDIO_API_KEY isn't set to ask with")
            return None
        answer = self.studio.annotation(annotation)
        if answer.status != HTTPStatus.OK:
            _say_ignored(event, f"Label Studio answered {answer.status} when it was asked about the annotation")
            return None
        return answer.body

    def _is_gone(self, event: WebhookEvent, annotation: int) -> bool:
        if self.studio is None:
            _say_ignored(event, "it came without this service's token, and LABEL_STUDIO_API_KEY isn't set to ask with")
            return False
        status = self.studio.annotation(annotation).status
        if status not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            raise ImageSourceError(
                f"Label Studio answered {status} when it was asked about annotation {annotation}: check the token"
            )
        return status == HTTPStatus.NOT_FOUND


def _verdicts(connection: Connection | None, submitted: Submitted) -> list[Verdict]:
    if connection is None:  # nothing was ever answered
        return compare(submitted, (), (), {})
    return compare(
        submitted,
        answers=read_answers(connection, submitted),
        prompt_ids=read_prompt_ids(connection, submitted),
        before=read_verdicts(connection, submitted.id),
    )


def _say_ignored(event: WebhookEvent, reason: str) -> None:
    log_event("webhook_ignored", level=logging.WARNING, action=event.action, reason=reason)
