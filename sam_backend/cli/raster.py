"""``raster``: outlines of the objects of a georeferenced raster of any size."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from sam_backend.cli.arguments import add_model, add_prompts, load_model
from sam_backend.cli.raster_arguments import add_automatic, add_reading, add_results, add_run, run_job
from sam_backend.cli.raster_object import segment_one
from sam_backend.cli.raster_report import tell_results, tell_tiles
from sam_backend.cli.raster_scheduler import add_scheduler, check_scheduler, tile_stream
from sam_backend.errors import OptionsError
from sam_backend.geo.run.run_events import Event, Log
from sam_backend.geo.run.whole_run import complete

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
    """Segment a raster, or one object of it where a point or a box is given.

    Raises:
        OptionsError: an option is for the other of the two, or its value makes no sense.
    """
    if arguments.point or arguments.box is not None:
        return segment_one(arguments)
    if arguments.single:
        raise OptionsError("--single is for one object, but a whole run was asked for: give --point or --box too")
    job = run_job(arguments)
    job.check()  # before the model, which takes its time
    predictor = load_model(arguments)
    check_scheduler(arguments, predictor)
    with tqdm(unit=" tiles", disable=None, file=sys.stderr) as bar:
        try:
            outcome = complete(
                job, predictor, lambda event: _show(event, bar), lambda: False, partial(tile_stream, arguments)
            )
        except KeyboardInterrupt:
            bar.close()
            print(
                "\nstopped: finished tiles are kept; the same command with --resume goes on",
                file=sys.stderr,
                flush=True,
            )
            os._exit(EXIT_INTERRUPTED)  # the model is still busy in a thread, and ending that takes long
    tell_tiles(outcome.summary)
    if outcome.results is not None:
        tell_results(outcome.results, job.output)
    return 1 if outcome.summary.failed else 0


def _show(event: Event, bar: tqdm[NoReturn]) -> None:
    if isinstance(event, Log):
        bar.write(event.message, file=sys.stderr)
        return
    bar.total, bar.n = event.n_tiles, event.n_finished + event.n_failed
    bar.set_postfix_str(f"{event.n_findings} masks" + f", {event.n_failed} failed" * bool(event.n_failed))
