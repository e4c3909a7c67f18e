"""The engine of the map tool: that of the settings, found without keeping the main thread waiting."""

from __future__ import annotations

import threading

from ..engine.choose import current_engine
from ..engine.engine import Engine, Fields, IsCancelled, OnEvent
from ..engine.server import Server
from ..settings import Backend, read_settings

_HELLO_S = 2.0


class FirstToAnswer:
    """The server if it answers the first call in time, else the worker on this machine."""

    def __init__(self, server: Engine, local: Engine) -> None:
        self.engines = (server, local)
        self._deciding = threading.Lock()
        self._chosen: Engine | None = None

    def call(
        self, op: str, fields: Fields, on_event: OnEvent | None = None, is_cancelled: IsCancelled | None = None
    ) -> Fields:
        """See `Engine.call`."""
        with self._deciding:
            if self._chosen is None:
                self._chosen = self._decided()
        return self._chosen.call(op, fields, on_event, is_cancelled)

    def sees(self, path: str) -> bool:
        """See `Engine.sees`; only what both see, as long as nothing is decided."""
        return all(engine.sees(path) for engine in ([self._chosen] if self._chosen else self.engines))

    def close(self) -> None:
        """Nothing: both are kept, and ended, by `choose`."""

    def _decided(self) -> Engine:
        server, local = self.engines
        return server if not isinstance(server, Server) or server.answers(_HELLO_S) else local


class EngineFinder:
    """Finds the engine that the settings name; the same one as long as they stay the same. In the main thread."""

    def __init__(self) -> None:
        self._first: FirstToAnswer | None = None

    def __call__(self) -> Engine:
        """The engine of now.

        Raises:
            EngineError: the settings name none.
        """
        settings = read_settings()
        if settings.backend != Backend.AUTO or not settings.server_url or not settings.python:
            return current_engine()
        server, local = current_engine(Backend.SERVER), current_engine(Backend.LOCAL)
        if self._first is None or self._first.engines != (server, local):
            self._first = FirstToAnswer(server, local)
        return self._first
