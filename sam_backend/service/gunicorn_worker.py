"""Gunicorn's worker of threads, but for how it ends: whoever comes too late learns so at once."""

from __future__ import annotations

import socket

from gunicorn.workers.gthread import ThreadWorker


class PromptlyClosingWorker(ThreadWorker):
    """When told to stop, takes what has arrived, then closes its door, and sees all that it took to its end.

    Gunicorn's own leaves the door open until then: new connections are taken by the system and never answered.
    """

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """See `ThreadWorker`; also the last thing done before the end."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            self._take_all(listener)
            listener.close()

    def _take_all(self, listener: socket.socket) -> None:
        n_before = -1
        while self.nr_conns != n_before:
            n_before = self.nr_conns
            self.accept(listener)
