"""A run put together: raster, model and journal, from a request to the last tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyogrio
import shapely
from pyogrio.errors import DataSourceError

from sam_backend.errors import LayerError, RasterError
from sam_backend.geo.area_of_interest import read_area_of_interest
from sam_backend.geo.prompt_layer import PromptKind, PromptLayer, read_prompt_layer
from sam_backend.geo.prompt_tiles import assign_to_tiles
from sam_backend.geo.raster import open_raster
from sam_backend.geo.read_plan import ReadPlan
from sam_backend.geo.run.engine import Progress, RunSummary, run_stream, run_tiles
from sam_backend.geo.run.healing import Healing, heal_seams
from sam_backend.geo.run.journal import Journal, JournalledPrompt
from sam_backend.geo.run.prompt_segmenter import PromptSegmenter, tiles_of_views
from sam_backend.geo.run.reading import check_reads_so, plan_of
from sam_backend.geo.run.run_place import RunPlace
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.geo.run.tile_segmenter import AutomaticSegmenter, TileSegmenter
from sam_backend.geo.run.tile_stream import TileStream
from sam_backend.geo.tiled_raster import TiledRaster
from sam_backend.geo.tiles import Tile
from sam_backend.predict.predictor import Predictor


@dataclass(frozen=True, slots=True, eq=False)
class RasterRun:
    """A run that is ready to begin, or to go on."""

    journal: Journal
    raster: TiledRaster
    predictor: Predictor
    tiles: list[Tile]
    segmenter: TileSegmenter

    @classmethod
    def begin(cls, request: RunRequest, predictor: Predictor) -> RasterRun:
        """Begin a run; a journal that lies where this one's goes is lost, any other file isn't.

        Raises:
            SamBackendError: of the kind that says what to do.
        """
        return cls._open(request, predictor, plan_of(request), None)

    @classmethod
    def resume(cls, request: RunRequest, predictor: Predictor) -> RasterRun:
        """Go on with the run of the request's journal, reading as it began to where the request doesn't say how.

        Raises:
            RasterError: there is no such run, or it was asked for with other settings.
        """
        journal = Journal.open_existing(request.journal)
        plan = ReadPlan.from_json(journal.settings.read_plan)
        run = cls._open(request, predictor, plan, journal)
        check_reads_so(request, plan)
        return run

    @classmethod
    def resume_or_begin(cls, request: RunRequest, predictor: Predictor) -> RasterRun:
        """Go on with the run of the request's journal if it was asked for with the very same, else begin anew.

        Raises:
            SamBackendError: of the kind that says what to do.
        """
        plan = plan_of(request)
        area = _area_of_interest(request)
        settings = request.settings(predictor.version, plan.to_json(), None if area is None else area.wkt)
        try:
            journal = Journal.open_existing(request.journal)
        except RasterError:  # none, or one of another version; what is no journal isn't replaced
            return cls._open(request, predictor, plan, None)
        if journal.settings == settings:
            return cls._open(request, predictor, plan, journal)
        journal.close()
        return cls._open(request, predictor, plan, None)

    @property
    def is_prompted(self) -> bool:
        """Whether a layer of prompts says what to look for."""
        return self.journal.settings.prompts is not None

    @classmethod
    def _open(cls, request: RunRequest, predictor: Predictor, plan: ReadPlan, journal: Journal | None) -> RasterRun:
        area = _area_of_interest(request)
        raster = TiledRaster(request.raster, plan, request.tile_px, request.overlap_px, area)
        settings = request.settings(predictor.version, plan.to_json(), None if area is None else area.wkt)
        if journal is None:
            place = RunPlace(raster.grid, raster.transform, raster.crs)
            journal = Journal.create(request.journal, settings, place)
        journal.settings.check_same(settings)
        if request.prompts is None:
            automatic = AutomaticSegmenter(predictor, request.automatic, request.tile_px)
            return cls(journal, raster, predictor, list(raster.tiles()), automatic)
        tiles, prompted = _prompted(request, request.prompts, predictor, raster, journal)
        return cls(journal, raster, predictor, tiles, prompted)

    def run(
        self,
        on_progress: Callable[[Progress], None] = lambda _: None,
        is_cancelled: Callable[[], bool] = lambda: False,
        stream: TileStream | None = None,
    ) -> RunSummary:
        """Work on all tiles that aren't finished: in this process, or where ``stream`` has it done; see `run_tiles`."""
        if stream is not None:
            return run_stream(self.journal, self.tiles, stream, on_progress, is_cancelled)
        return run_tiles(self.journal, self.tiles, self.raster.read_tile, self.segmenter, on_progress, is_cancelled)

    def heal(self, is_cancelled: Callable[[], bool] = lambda: False) -> Healing:
        """Look again at objects that no tile saw whole; see `heal_seams`. A prompted run has none."""
        if self.is_prompted:
            return Healing(0, 0)
        return heal_seams(self.journal, self.raster, self.predictor, is_cancelled=is_cancelled)


def _area_of_interest(request: RunRequest) -> shapely.Geometry | None:
    if request.area_of_interest is None:
        return None
    with open_raster(request.raster) as raster:
        return read_area_of_interest(request.area_of_interest, raster.crs)


def _prompted(
    request: RunRequest, file: Path, predictor: Predictor, raster: TiledRaster, journal: Journal
) -> tuple[list[Tile], PromptSegmenter]:
    kind = request.prompt_kind or _kind_of(file)
    layer = read_prompt_layer(file, kind, raster.transform, raster.crs)
    shift_xy_px = (0.0, 0.0) if request.alignment is None else request.alignment.shift_xy_px
    assigned = assign_to_tiles([prompt.moved(shift_xy_px) for prompt in layer.prompts], raster.grid, raster.area_px)
    journal.write_prompts(_journalled(layer, assigned.refused))
    if not assigned.views:
        reason = next(iter(assigned.refused.values()))
        raise RasterError(f"no prompt of {file.name} can be answered ({reason}): choose another layer or raster")
    tiles = tiles_of_views(assigned.views, raster.grid)
    prompts = {tile.index: view.prompts for tile, view in zip(tiles, assigned.views, strict=True)}
    return tiles, PromptSegmenter(predictor, prompts, request.tile_px)


def _journalled(layer: PromptLayer, refused: dict[int, str]) -> list[JournalledPrompt]:
    why = layer.skipped | refused
    return [JournalledPrompt(fid, attributes, why.get(fid)) for fid, attributes in layer.attributes.items()]


def _kind_of(file: Path) -> PromptKind:
    try:
        geometry_type = str(pyogrio.read_info(file)["geometry_type"])
    except DataSourceError as error:
        raise LayerError(f"{file} can't be read as a vector layer ({error}): give GeoJSON or a GeoPackage") from None
    return PromptKind.POINTS if "Point" in geometry_type else PromptKind.POLYGONS
