"""Lines of the log: for people, or an object a line for programs. Either way without what must not stand there."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import orjson

from sam_backend.service.redaction import redacted

SECRET_VARIABLES = ("SAM_API_TOKEN", "LABEL_STUDIO_API_KEY")
_MOST_SIGNS = 500


class TextFormatter(logging.Formatter):
    """As Flask writes it.

    Args:
        secrets: texts to be left out.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        super().__init__("[%(asctime)s] %(levelname)s in %(module)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """A line, and a traceback below it where there is one."""
        return redacted(super().format(record), self._secrets)


class JsonFormatter(logging.Formatter):
    """``{"time": ..., "level": ..., "logger": ..., "event": ..., FIELDS}``; other lines have a ``message``.

    Args:
        secrets: texts to be left out.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        event, fields = getattr(record, "event", None), getattr(record, "fields", {})
        line |= {"message": record.getMessage()} if event is None else {"event": event}
        line |= {name: shortened(value) for name, value in fields.items() if name not in line}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return redacted(orjson.dumps(line, default=str).decode(), self._secrets)


def shortened(value: object) -> object:
    """A text cut to what a line can bear; anything else as it is."""
    return redacted(value)[:_MOST_SIGNS] if isinstance(value, str) else value


def json_formatter_of_environment() -> JsonFormatter:
    """For gunicorn, whose configuration anybody may print: secrets don't pass through it."""
    return JsonFormatter([os.environ[name] for name in SECRET_VARIABLES if os.environ.get(name)])


def gunicorn_json_log() -> Mapping[str, Any]:
    """Gunicorn's own lines and the service's in JSON on stderr; requests aren't listed, ``/metrics`` counts them."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": f"{__name__}.{json_formatter_of_environment.__name__}"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
            "gunicorn.access": {"level": "WARNING", "handlers": ["stderr"], "propagate": False},
        },
    }
