"""The engine of this QGIS session: one is kept, so that the model is loaded once and pictures seen are known."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeVar, cast

from ..settings import Backend, PluginSettings, read_proxies, read_settings, read_token
from .engine import Engine, EngineError, ErrorKind
from .local_worker import LocalWorker
from .server import Server
from .wording import tr

_HELLO_SECONDS = 2.0

_lock = threading.Lock()
_made: dict[str, tuple[object, Engine]] = {}
"""By `Backend`: what an engine was made of, and the engine."""


def current_engine(backend: str = "") -> Engine:
    """The engine that the settings of now name. Call it in the main thread; use what it returns in any.

    Nothing is started yet: the first call of the engine does that. With `Backend.AUTO` a named server has two seconds
    to say hello.

    Args:
        backend: one of `Backend`, to overrule the setting.

    Raises:
        EngineError: neither a Python nor a server is known; the message says what to do.
    """
    settings = read_settings()
    backend = backend or settings.backend
    if backend == Backend.AUTO:
        backend = _best(settings)
    return _server(settings) if backend == Backend.SERVER else _local(settings)


def close_engines() -> None:
    """End the session's engines."""
    with _lock:
        for _, engine in _made.values():
            engine.close()
        _made.clear()


def _best(settings: PluginSettings) -> str:
    if settings.server_url and (not settings.python or _server(settings).answers(_HELLO_SECONDS)):
        return Backend.SERVER
    return Backend.LOCAL


def _server(settings: PluginSettings) -> Server:
    if not settings.server_url:
        raise EngineError(
            ErrorKind.NOT_SET_UP,
            tr(
                "no server is named: give its URL under Settings > Options > Segment Anything, or choose the local "
                "worker"
            ),
        )
    arguments = (settings.server_url, read_token(settings), settings.shared_folders, read_proxies())
    return _kept(Backend.SERVER, arguments, lambda: Server(*arguments))


def _local(settings: PluginSettings) -> LocalWorker:
    if not settings.python:
        raise EngineError(
            ErrorKind.NOT_SET_UP,
            tr(
                "no Python with the backend is known: run the algorithm 'Backend status and set-up' of the toolbox, or "
                "name one under Settings > Options > Segment Anything"
            ),
        )
    arguments = (settings.python, settings.source_folder, settings.model, settings.device)
    return _kept(Backend.LOCAL, arguments, lambda: LocalWorker(*arguments))


_E = TypeVar("_E", bound=Engine)


def _kept(backend: str, made_of: object, make: Callable[[], _E]) -> _E:
    """The engine of this session that is made of just this; another one of its kind is ended."""
    with _lock:
        known = _made.get(backend)
        if known is not None and known[0] == made_of:
            return cast("_E", known[1])
        engine = make()
        _made[backend] = (made_of, engine)
    if known is not None:
        known[1].close()
    return engine


def what_is_missing(backend: str = "") -> str:
    """Why there can't be an engine, with what to do, as far as the settings tell; empty if nothing is missing.

    Args:
        backend: one of `Backend`, to overrule the setting.
    """
    settings = read_settings()
    backend = backend or settings.backend
    if settings.server_url and backend != Backend.LOCAL:
        return ""
    try:
        current_engine(backend)
    except EngineError as error:
        return str(error)
    if os.path.isfile(settings.python):
        return ""
    return tr(
        "the Python {0} isn't there any more: run the algorithm 'Backend status and set-up' of the toolbox, or name "
        "another one under Settings > Options > Segment Anything"
    ).format(settings.python)
