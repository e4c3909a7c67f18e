import logging

import pytest
from flask.logging import default_handler

from sam_backend.service.event_log import LOGGER, log_event, show_log


def test_log_gets_a_handler_only_where_nobody_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOGGER, "handlers", [])
    show_log()
    assert LOGGER.handlers == []  # pytest's handler at the root shows it
    monkeypatch.setattr(LOGGER, "propagate", False)
    show_log()
    show_log()
    assert LOGGER.handlers == [default_handler]


def test_event_is_one_line_whatever_is_in_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER.name)
    log_event("event", text='a\n"b"', long="x" * 9000, number=1 / 3, none=None, whole=7)
    (line,) = caplog.messages
    assert "\n" not in line
    assert len(line) < 700
    assert line.endswith("number=0.333 none=null whole=7")
