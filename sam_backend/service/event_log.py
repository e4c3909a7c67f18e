"""The log: one line per event, as ``event key=value ...`` or as JSON; never pictures, masks or tokens."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from flask.logging import has_level_handler

from sam_backend.service.log_format import JsonFormatter, TextFormatter, shortened
from sam_backend.settings import Settings

LOGGER = logging.getLogger("sam_backend")
"""Of the whole service."""

_HANDLER_NAME = "sam_backend"


def show_log(log_format: str = "text", secrets: Sequence[str] = ()) -> None:
    """Let the log be seen where the host (gunicorn, a test) hasn't set one up: on stderr, from INFO on.

    Args:
        log_format: "text" or "json".
        secrets: texts that never stand in it.
    """
    if LOGGER.level == logging.NOTSET:
        LOGGER.setLevel(logging.INFO)
    for handler in [one for one in LOGGER.handlers if one.name == _HANDLER_NAME]:
        LOGGER.removeHandler(handler)  # of a service that was set up before
    if not has_level_handler(LOGGER):
        LOGGER.addHandler(_handler(log_format, secrets))


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """What must not stand in a log."""
    return tuple(secret for secret in (settings.api_token, settings.label_studio_api_key) if secret)


def log_event(event: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Write one line; texts are quoted and shortened so that nothing from outside can break it in two."""
    text = " ".join([event, *(f"{name}={_shown(value)}" for name, value in fields.items())])
    LOGGER.log(level, "%s", text, extra={"event": event, "fields": fields})


def _handler(log_format: str, secrets: Sequence[str]) -> logging.Handler:
    handler = logging.StreamHandler()
    handler.name = _HANDLER_NAME
    handler.setFormatter(JsonFormatter(secrets) if log_format == "json" else TextFormatter(secrets))
    return handler


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return json.dumps(shortened(value))
