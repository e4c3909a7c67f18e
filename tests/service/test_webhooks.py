import logging
import threading

import pytest

from sam_backend.errors import RequestError
from sam_backend.service.webhooks import WebhookEvent, Webhooks, id_of


def test_event_goes_to_the_handler_of_its_action_behind_the_answer() -> None:
    taken: list[WebhookEvent] = []
    webhooks = Webhooks({"START_TRAINING": taken.append})
    webhooks.take({"action": "START_TRAINING", "project": {"id": 5}}, is_trusted=True)
    for body in ({"action": "PROJECT_UPDATED"}, {"action": ["START_TRAINING"]}, {}, [], None, "START_TRAINING"):
        webhooks.take(body, is_trusted=True)
    assert webhooks.wait_until_empty(10)
    [event] = taken
    assert (event.action, event.project_id, event.is_trusted) == ("START_TRAINING", 5, True)


@pytest.mark.parametrize(
    ("project", "wanted"),
    [
        pytest.param({"id": 5}, 5, id="object"),
        pytest.param(5, 5, id="number"),
        pytest.param({"id": "5"}, None, id="text"),
        pytest.param({}, None, id="empty"),
        pytest.param(None, None, id="none"),
    ],
)
def test_project_of_an_event_is_a_number_or_none(project: object, wanted: int | None) -> None:
    assert WebhookEvent("A", {"project": project}, is_trusted=True).project_id == wanted


@pytest.mark.parametrize("value", [True, -1, 2**63, 1.0, "1", None])
def test_what_no_database_counts_with_is_no_id(value: object) -> None:
    assert id_of(value) is None


def test_handler_that_fails_is_logged_and_the_next_event_handled(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="sam_backend")
    errors: list[Exception] = [RequestError("the event has no annotation"), ZeroDivisionError("by chance")]

    def fail(_: WebhookEvent) -> None:
        if errors:
            raise errors.pop(0)

    webhooks = Webhooks({"A": fail})
    for _ in range(3):
        webhooks.take({"action": "A"}, is_trusted=True)
    assert webhooks.wait_until_empty(10)
    assert 'webhook_failed error="the event has no annotation"' in caplog.text
    assert "ZeroDivisionError: by chance" in caplog.text


def test_more_events_than_can_wait_are_dropped_and_that_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="sam_backend")
    go, taken = threading.Event(), []
    webhooks = Webhooks({"A": lambda event: (go.wait(10), taken.append(event))})
    for _ in range(110):
        webhooks.take({"action": "A"}, is_trusted=True)
    go.set()
    assert webhooks.wait_until_empty(10)
    assert 100 <= len(taken) <= 101
    assert caplog.text.count("webhook_dropped") == 110 - len(taken)
