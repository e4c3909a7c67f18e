"""The log: one line per event, as ``event key=value ...``; never pictures, masks or tokens."""

from __future__ import annotations

import json
import logging

from flask.logging import default_handler, has_level_handler

LOGGER = logging.getLogger("sam_backend")
"""Of the whole service."""


def show_log() -> None:
    """Let the log be seen where the host (gunicorn, a test) hasn't set one up: on stderr, from INFO on."""
    if LOGGER.level == logging.NOTSET:
        LOGGER.setLevel(logging.INFO)
    if not has_level_handler(LOGGER):
        LOGGER.addHandler(default_handler)


def log_event(event: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Write one line; texts are quoted and shortened so that nothing from outside can break it in two."""
    LOGGER.log(level, "%s", " ".join([event, *(f"{name}={_shown(value)}" for name, value in fields.items())]))


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return json.dumps(value[:500] if isinstance(value, str) else value)
