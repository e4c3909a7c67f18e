import json
import logging
import sys

import pytest

from sam_backend.service.event_log import LOGGER, log_event, secrets_of, show_log
from sam_backend.service.log_format import JsonFormatter, TextFormatter, json_formatter_of_environment
from sam_backend.settings import Settings

SECRET = "a-secret-of-some-length"  # noqa: S105 - of this test


@pytest.fixture
def record(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    caplog.set_level(logging.INFO, LOGGER.name)
    log_event("predict", task=3, score=0.123456, picture=f"http://host/a.png?sig={SECRET}", level=logging.WARNING)
    return caplog.records[0]


def test_log_gets_a_handler_only_where_nobody_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOGGER, "handlers", [])
    show_log()
    assert LOGGER.handlers == []  # pytest's handler at the root shows it
    monkeypatch.setattr(LOGGER, "propagate", False)
    show_log("json", [SECRET])
    show_log("text", [SECRET])
    (handler,) = LOGGER.handlers
    assert isinstance(handler.formatter, TextFormatter)
    show_log("json")
    (handler,) = LOGGER.handlers
    assert isinstance(handler.formatter, JsonFormatter)


def test_event_is_one_line_whatever_is_in_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER.name)
    log_event("event", text='a\n"b"', long="x" * 9000, number=1 / 3, none=None, whole=7)
    (line,) = caplog.messages
    assert "\n" not in line
    assert len(line) < 700
    assert line.endswith("number=0.333 none=null whole=7")


def test_event_as_json_has_its_fields_by_name(record: logging.LogRecord) -> None:
    line = json.loads(JsonFormatter().format(record))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "sam_backend",
        "event": "predict",
        "task": 3,
        "score": 0.123456,
        "picture": "http://host/a.png?...",
    }


def test_field_never_hides_what_every_line_has(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER.name)
    log_event("event", time="never", logger="mine", number=float("nan"))
    line = json.loads(JsonFormatter().format(caplog.records[0]))
    assert (line["logger"], line["number"]) == ("sam_backend", None)
    assert line["time"] != "never"


@pytest.mark.parametrize("formatter", [TextFormatter, JsonFormatter])
def test_traceback_is_shown_without_secrets(formatter: type[TextFormatter | JsonFormatter]) -> None:
    try:
        raise ValueError(f"GET http://me:{SECRET}@host/x?token={SECRET} with {SECRET}")
    except ValueError:
        record = LOGGER.makeRecord("sam_backend", logging.ERROR, "", 0, "unexpected", (), sys.exc_info())
    shown = formatter([SECRET]).format(record)
    assert "Traceback" in shown
    assert "http://***@host/x?..." in shown
    assert SECRET not in shown
    assert formatter is TextFormatter or json.loads(shown)["message"] == "unexpected"


def test_gunicorn_finds_the_secrets_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAM_API_TOKEN", SECRET)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "")
    record = LOGGER.makeRecord("gunicorn.error", logging.INFO, "", 0, "with %s", (SECRET,), None)
    assert json.loads(json_formatter_of_environment().format(record))["message"] == "with ***"


def test_secrets_of_the_settings_are_those_that_are_set() -> None:
    assert secrets_of(Settings()) == ()
    assert secrets_of(Settings(api_token=SECRET, label_studio_api_key="k")) == (SECRET, "k")
