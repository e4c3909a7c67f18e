"""``raster``: outlines of the objects of a georeferenced raster of any size."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tqdm import tqdm

from sam_backend.cli.arguments import add_model, add_prompts, load_model
from sam_backend.cli.raster_arguments import (
    add_automatic,
    add_reading,
    add_results,
    add_run,
    result_options,
    run_request,
)
from sam_backend.cli.raster_object import segment_one
from sam_backend.cli.raster_report import tell_results, tell_tiles
from sam_backend.cli.raster_scheduler import add_scheduler, check_scheduler, tile_stream
from sam_backend.errors import OptionsError, RasterError
from sam_backend.geo.raster import open_raster
from sam_backend.geo.run.engine import Progress, RunSummary
from sam_backend.geo.run.raster_run import RasterRun
from sam_backend.geo.run.results import write_results
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.geo.run.tile_stream import TileStream
from sam_backend.geo.vector_export import format_of
from sam_backend.predict.predictor import Predictor

EXIT_INTERRUPTED = 130


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser("raster", help="outlines of the objects of a georeferenced raster of any size")
    parser.add_argument("raster", type=Path, metavar="IN.tif")
    parser.add_argument(
        "output", type=Path, metavar="OUT", help=".gpkg, .fgb, .parquet: in the raster's CRS; .geojson: in EPSG:4326"
    )
    add_prompts(parser.add_argument_group("one object"), frame="map coordinates of the raster's CRS")
    group = parser.add_argument_group("run")
    add_run(group)
    add_scheduler(group)
    add_reading(parser.add_argument_group("reading"))
    add_automatic(parser.add_argument_group("automatic masks"))
    add_results(parser.add_argument_group("results"))
    add_model(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Segment a raster, or one object of it where a point or a box is given."""
    if arguments.point or arguments.box is not None:
        return segment_one(arguments)
    options, request = result_options(arguments), run_request(arguments)
    _check_output(request.raster, arguments.output)
    _check_journal(request, arguments.resume, arguments.restart)
    predictor = load_model(arguments)
    check_scheduler(arguments, predictor)
    started = (RasterRun.resume if arguments.resume else RasterRun.begin)(request, predictor)
    try:
        summary = _work(started, predictor, tile_stream(arguments, started))
        if arguments.heal and not summary.n_left:
            healing = started.heal()
            print(f"looked again at {healing.n_tasks} objects that no tile saw whole", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped: finished tiles are kept; the same command with --resume goes on", file=sys.stderr, flush=True)
        os._exit(EXIT_INTERRUPTED)  # the model is still busy in a thread, and ending that takes long
    tell_tiles(summary)
    tell_results(write_results(started.journal, arguments.output, options), arguments.output)
    return 1 if summary.failed else 0


def _check_output(raster: Path, output: Path) -> None:
    """Rather now than after hours of work."""
    with open_raster(raster) as opened:
        format_of(output, opened.crs)
    if not output.parent.is_dir():
        raise OptionsError(f"{output} lies in a folder that doesn't exist: make it first")


def _check_journal(request: RunRequest, resumes: bool, restarts: bool) -> None:
    if request.journal.exists() and not (resumes or restarts):
        raise RasterError(
            f"a run has left its journal at {request.journal}: give --resume to go on with it or --restart to begin "
            "anew, or use refilter to write its objects once more"
        )


def _work(started: RasterRun, predictor: Predictor, stream: TileStream | None) -> RunSummary:
    finished = started.journal.finished()
    n_before = sum(tile.index in finished for tile in started.tiles)
    print(
        f"{predictor.name} on {predictor.device}: {len(started.tiles)} tiles, {n_before} done before", file=sys.stderr
    )
    with tqdm(total=len(started.tiles), initial=n_before, unit=" tiles", disable=None, file=sys.stderr) as bar:

        def show(progress: Progress) -> None:
            bar.update()
            bar.set_postfix_str(
                f"{progress.n_findings} masks" + f", {progress.n_failed} failed" * bool(progress.n_failed)
            )

        return started.run(on_progress=show, stream=stream)
