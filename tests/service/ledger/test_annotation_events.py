"""Events that came without the service's token: only their ids are believed, and Label Studio is asked."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_studio import LEGACY, FakeStudio, running
from ledger_regions import annotation, brush, click, rectangle, square

from sam_backend.errors import ImageSourceError, RequestError
from sam_backend.label_studio.addresses import AllowedHosts
from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.label_studio.studio_api import StudioApi
from sam_backend.label_studio.tokens import TokenExchange
from sam_backend.service.ledger.annotation_events import AnnotationEvents
from sam_backend.service.ledger.ledger import Ledger
from sam_backend.service.ledger.schema import LedgerFile
from sam_backend.service.ledger.summary import Tally, read_summary
from sam_backend.service.webhooks import WebhookEvent

PATH = "/api/annotations/1/"


@pytest.fixture
def studio() -> Iterator[FakeStudio]:
    with running(FakeStudio()) as one:
        yield one


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(LedgerFile.in_folder(tmp_path), keep_days=90, clock=lambda: 1000.0)
    made.record(click(brush("a", square(0, 0))))
    assert made.wait_until_written(10)
    return made


@pytest.fixture
def events(studio: FakeStudio, ledger: Ledger) -> AnnotationEvents:
    host = LabelStudioHost(studio.url, LEGACY, is_configured=True)
    return AnnotationEvents(ledger, StudioApi(host, TokenExchange(AllowedHosts()), 10))


def total_of(ledger: Ledger) -> Tally:
    with ledger.file.reading() as connection:
        return read_summary(connection).total


def told(action: str = "ANNOTATION_CREATED", **body: object) -> WebhookEvent:
    return WebhookEvent(action, body, is_trusted=False)


def test_annotation_is_the_one_that_label_studio_has_and_not_the_one_in_the_body(
    studio: FakeStudio, events: AnnotationEvents, ledger: Ledger
) -> None:
    studio.api[PATH] = (200, annotation(1, [brush("a", square(0, 0))]))
    events.take(told(annotation=annotation(1, [rectangle("lie")], project=99)))
    assert (total_of(ledger).kept, total_of(ledger).by_hand) == (1, 0)
    assert studio.count(PATH) == 1


def test_annotation_that_label_studio_does_not_have_is_ignored(
    studio: FakeStudio, events: AnnotationEvents, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sam_backend")
    events.take(told(annotation=annotation(1, [rectangle("lie")])))
    events.take(told(annotation={"id": "1/../../projects"}))
    events.take(told())
    assert (total_of(ledger).open, total_of(ledger).by_hand) == (1, 0)
    assert caplog.text.count("webhook_ignored") == 1
    assert len(studio.asked) == 1


def test_deletion_is_believed_once_label_studio_does_not_have_it_any_more(
    studio: FakeStudio, events: AnnotationEvents, ledger: Ledger
) -> None:
    studio.api[PATH] = (200, annotation(1, [brush("a", square(0, 0))]))
    events.take(told(annotation={"id": 1}))
    deletion = told("ANNOTATIONS_DELETED", annotations=[{"id": 1}])
    events.take_deletion(deletion)
    assert total_of(ledger).kept == 1
    del studio.api[PATH]
    events.take_deletion(deletion)
    assert (total_of(ledger).kept, total_of(ledger).open) == (0, 1)


def test_token_that_label_studio_refuses_deletes_nothing_and_is_named(
    studio: FakeStudio, events: AnnotationEvents, ledger: Ledger
) -> None:
    studio.legacy_allowed = False
    with pytest.raises(ImageSourceError, match="answered 401"):
        events.take_deletion(told("ANNOTATIONS_DELETED", annotations=[{"id": 1}]))


def test_trusted_event_without_an_annotation_is_refused(events: AnnotationEvents) -> None:
    with pytest.raises(RequestError, match="annotation"):
        events.take(WebhookEvent("ANNOTATION_CREATED", {}, is_trusted=True))
    events.take_deletion(WebhookEvent("ANNOTATIONS_DELETED", {"annotations": "x"}, is_trusted=True))
