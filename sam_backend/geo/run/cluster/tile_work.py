"""A worker's part: a tile's place and prompts come in, run lengths go out, and pixels never travel."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

from sam_backend.errors import ClusterError, SamBackendError
from sam_backend.geo.prompt_layer import FeaturePrompt
from sam_backend.geo.read_plan import ReadPlan
from sam_backend.geo.run.cluster.needs import ModelSource, Needs
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.run.journal import TileReport
from sam_backend.geo.run.prompt_segmenter import PromptSegmenter
from sam_backend.geo.run.raster_run import RasterRun
from sam_backend.geo.run.run_settings import RunSettings
from sam_backend.geo.run.tile_segmenter import AutomaticSegmenter, TileSegmenter
from sam_backend.geo.run.tile_stream import TileOutcome, work_on
from sam_backend.geo.tiled_raster import TiledRaster
from sam_backend.geo.tiles import Tile
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.predictor import Predictor

N_KEPT = 2
"""Models and open rasters that a process keeps: two runs may share a cluster."""

_OPENING = threading.Lock()


@dataclass(frozen=True, slots=True)
class TileWork:
    """All that a process must know of a run to work on any of its tiles. Sent with each, so it is small."""

    needs: Needs

    settings: str
    """The journal's own, as JSON: how to read, and what to look for."""

    points_per_batch: int
    """Of automatic masks: how much memory they take, never what is found."""

    @classmethod
    def of(cls, run: RasterRun, model: ModelSource) -> TileWork:
        """Of a run that has begun.

        Raises:
            OSError: its raster is gone.
        """
        settings = run.journal.settings
        options = run.segmenter.options if isinstance(run.segmenter, AutomaticSegmenter) else AutomaticOptions()
        return cls(
            needs=Needs.of(Path(settings.raster), model),
            settings=replace(settings, area_of_interest=None).to_json(),  # the tiles are chosen; a coast is megabytes
            points_per_batch=options.points_per_batch,
        )


@dataclass(frozen=True, slots=True)
class PackedOutcome:
    """A `TileOutcome` small enough to be sent."""

    report: TileReport
    rows: list[tuple[Any, ...]]

    @classmethod
    def of(cls, outcome: TileOutcome) -> PackedOutcome:
        """Masks become run lengths."""
        return cls(outcome.report, [finding.to_row() for finding in outcome.findings])

    def unpacked(self) -> TileOutcome:
        """What it was."""
        return TileOutcome(self.report, [Finding.from_row(row) for row in self.rows])


class Workplace:
    """A run's raster and model, open in this process."""

    def __init__(self, work: TileWork) -> None:
        """Open both.

        Raises:
            SamBackendError: the message says what this machine lacks.
        """
        work.needs.check()
        settings = RunSettings.from_json(work.settings)
        plan = ReadPlan.from_json(settings.read_plan)
        self.raster = TiledRaster(Path(settings.raster), plan, settings.tile_px, settings.overlap_px)
        self._predictor, self._side_px = _predictor(work.needs.model), settings.tile_px
        self._automatic: AutomaticSegmenter | None = None
        if settings.automatic is not None:
            options = AutomaticOptions(**settings.automatic, points_per_batch=work.points_per_batch)
            # One for all tiles: it remembers how many points this machine's memory can take.
            self._automatic = AutomaticSegmenter(self._predictor, options, settings.tile_px)

    def segmenter(self, tile: Tile, prompts: Sequence[FeaturePrompt]) -> TileSegmenter:
        """For one tile, whose prompts came with it."""
        return self._automatic or PromptSegmenter(self._predictor, {tile.index: prompts}, self._side_px)


def segment_tile(work: TileWork, tile: Tile, prompts: Sequence[FeaturePrompt]) -> PackedOutcome:
    """Work on a tile in a worker; the first one of a process opens the raster and loads the model.

    Raises:
        ClusterError: this machine isn't fit for the run; the message names the worker.
    """
    address = import_module("distributed").get_worker().address
    try:
        with _OPENING:
            place = _workplace(work)
    except SamBackendError as error:
        raise ClusterError(f"the worker {address} can't work on this run: {error}") from None
    outcome = work_on(tile, partial(place.raster.read_tile, tile), place.segmenter(tile, prompts))
    if outcome.report.status == "failed":
        report = replace(outcome.report, message=f"{outcome.report.message} (worker {address})")
        outcome = replace(outcome, report=report)
    return PackedOutcome.of(outcome)


@lru_cache(maxsize=N_KEPT)
def _workplace(work: TileWork) -> Workplace:
    return Workplace(work)


@lru_cache(maxsize=N_KEPT)
def _predictor(model: ModelSource) -> Predictor:
    return model.load()
