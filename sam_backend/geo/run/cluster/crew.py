"""Who works for a scheduler, as far as it was last heard."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from distributed import Client

GPU = "GPU"
"""What workers call their accelerators: ``dask worker --resources GPU=1``."""

LOOK_EVERY_S = 2.0
PATIENCE_S = 30.0
"""Without any worker, before that is said."""

_LOG = logging.getLogger(__name__)


class Crew:
    """Counts how many tiles can be worked on at a time. Once a worker has a GPU, tiles go to GPUs alone."""

    def __init__(self, address: str, patience_s: float = PATIENCE_S) -> None:
        """Nobody was seen yet."""
        self.n_slots = 0
        """Tiles that can be worked on at the same time."""
        self.resources: dict[str, int] | None = None
        """What each tile asks of a worker."""
        self._address, self._patience_s = address, patience_s
        self._last_seen_s = time.monotonic()
        self._next_look_s = 0.0
        self._has_told = False

    async def look(self, client: Client) -> None:
        """Count anew if it is time to; a scheduler that is too busy to say is asked again later."""
        if time.monotonic() < self._next_look_s:
            return
        with contextlib.suppress(OSError, AttributeError, asyncio.TimeoutError):  # the client has lost its scheduler
            scheduler = cast("Any", client.scheduler)  # its methods are made up on demand
            found = await asyncio.wait_for(scheduler.identity(), LOOK_EVERY_S)
            self.count(found["workers"])
        self._next_look_s = time.monotonic() + (LOOK_EVERY_S if self.n_slots else 0.2)

    def count(self, workers: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the scheduler says of its workers, by address."""
        running = [worker for worker in workers.values() if worker["status"] == "running"]
        gpus = [min(int(worker["resources"].get(GPU, 0)), worker["nthreads"]) for worker in running]
        if any(gpus):
            self.resources = {GPU: 1}
        self.n_slots = sum(gpus if self.resources else (worker["nthreads"] for worker in running))
        self._tell()

    def _tell(self) -> None:
        now_s = time.monotonic()
        if self.n_slots:
            if self._has_told:
                _LOG.warning("%d tiles can be worked on at a time again", self.n_slots)
            self._last_seen_s, self._has_told = now_s, False
        elif not self._has_told and now_s - self._last_seen_s >= self._patience_s:
            _LOG.warning(
                "no worker%s for %.0f s: still waiting; start some with `dask worker %s`",
                " with a GPU" if self.resources else "",
                now_s - self._last_seen_s,
                self._address,
            )
            self._has_told = True
