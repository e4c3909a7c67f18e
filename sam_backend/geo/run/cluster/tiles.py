"""A stream of tiles that the workers of a dask scheduler work on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from sam_backend.errors import ClusterError
from sam_backend.geo.prompt_layer import FeaturePrompt
from sam_backend.geo.run.cluster.connection import connected, import_distributed
from sam_backend.geo.run.cluster.crew import PATIENCE_S, Crew
from sam_backend.geo.run.cluster.needs import ModelSource
from sam_backend.geo.run.cluster.tile_work import PackedOutcome, TileWork, segment_tile
from sam_backend.geo.run.journal import TileReport
from sam_backend.geo.run.prompt_segmenter import PromptSegmenter
from sam_backend.geo.run.raster_run import RasterRun
from sam_backend.geo.run.tile_stream import IsCancelled, Put, TileOutcome, in_background
from sam_backend.geo.tiles import Tile

if TYPE_CHECKING:
    from distributed import Client

N_AHEAD = 2
"""Tiles on their way for each one that can be worked on: a worker finds the next as soon as it is done with one."""

POLL_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class ClusterTiles:
    """A `TileStream`: this process hands out places and takes in findings, and reads no pixel itself.

    A tile whose worker dies is worked on by another; one that takes more workers with it than the scheduler's
    ``allowed-failures`` is reported as failed. While there is no worker at all, the stream waits.
    """

    address: str
    """Of the scheduler."""

    work: TileWork

    prompts: Mapping[int, Sequence[FeaturePrompt]] = field(default_factory=dict)
    """By the index of their tile; none of an automatic run."""

    patience_s: float = PATIENCE_S
    """Without any worker, before that is said."""

    @classmethod
    def of(cls, address: str, run: RasterRun, model: ModelSource) -> ClusterTiles:
        """Of a run that has begun."""
        prompts = run.segmenter.prompts if isinstance(run.segmenter, PromptSegmenter) else {}
        return cls(address, TileWork.of(run, model), prompts)

    def __call__(self, tiles: Iterable[Tile], is_cancelled: IsCancelled) -> Iterator[TileOutcome]:
        """Have tiles worked on, and hand out what comes of each as it comes.

        Raises:
            MissingExtraError: dask.distributed isn't installed.
            ClusterError: the scheduler can't be reached or is lost, or a worker isn't fit for the run.
        """

        def work(put: Put, stop: threading.Event) -> None:
            asyncio.run(self._put_all(tiles, put, stop))

        return in_background(work, is_cancelled)

    async def _put_all(self, tiles: Iterable[Tile], put: Put, stop: threading.Event) -> None:
        async with connected(self.address) as client, aclosing(self._outcomes(client, iter(tiles), stop)) as outcomes:
            async for outcome in outcomes:
                await asyncio.to_thread(put, outcome)  # which waits until the last one is in the journal

    async def _outcomes(
        self, client: Client, left: Iterator[Tile], stop: threading.Event
    ) -> AsyncGenerator[TileOutcome, None]:
        crew = Crew(self.address, self.patience_s)
        under_way: set[asyncio.Task[TileOutcome]] = set()
        try:
            while not stop.is_set():
                await crew.look(client)
                n_more = max(0, N_AHEAD * max(1, crew.n_slots) - len(under_way))
                under_way |= {asyncio.create_task(self._outcome(client, tile, crew)) for tile in islice(left, n_more)}
                if not under_way:
                    return
                done, _ = await asyncio.wait(under_way, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    under_way.remove(one)
                    yield one.result()
        finally:
            for one in under_way:
                one.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _outcome(self, client: Client, tile: Tile, crew: Crew) -> TileOutcome:
        prompts = self.prompts.get(tile.index, ())
        try:
            future = client.submit(segment_tile, self.work, tile, prompts, resources=crew.resources, pure=False)
            packed: PackedOutcome = await future
        except import_distributed().KilledWorker as error:
            return TileOutcome(TileReport(tile, "failed", 0.0, _killed(error)), [])
        except asyncio.CancelledError:
            if client.status == "running" and future.status != "cancelled":
                raise  # it is this stream that ends
            raise ClusterError(self._lost()) from None
        except ClusterError:
            raise
        except Exception as error:  # what goes wrong within a tile is in its report: this is about the machines
            if client.status != "running":
                raise ClusterError(self._lost()) from error
            reason = " ".join(str(error).split()).partition(". ")[0]
            raise ClusterError(
                f"the workers of {self.address} can't work on tiles ({type(error).__name__}: {reason}): "
                "install this same version of sam-backend on all machines, and go on with --resume"
            ) from error
        return packed.unpacked()

    def _lost(self) -> str:
        return (
            f"the scheduler at {self.address} is gone, or was told to drop the tiles: finished ones are kept; "
            "start it again and go on with --resume"
        )


def _killed(error: Any) -> str:  # noqa: ANN401 - a KilledWorker, which is imported only when it is needed
    return (
        f"{error.allowed_failures + 1} workers died while they had it, the last one at {error.last_worker.address}: "
        "see whether their memory is too small"
    )
