"""``raster --scheduler``: the same run, its tiles worked on by other machines."""

from __future__ import annotations

import argparse
import sys

from sam_backend.geo.run.cluster.connection import check_workers
from sam_backend.geo.run.cluster.needs import ModelSource, Needs
from sam_backend.geo.run.cluster.tiles import ClusterTiles
from sam_backend.geo.run.raster_run import RasterRun
from sam_backend.geo.run.tile_stream import TileStream
from sam_backend.predict.predictor import Predictor


def add_scheduler(group: argparse._ArgumentGroup) -> None:
    """Add where the tiles are worked on."""
    group.add_argument(
        "--scheduler", metavar="ADDRESS", help="tcp://HOST:PORT of a dask scheduler whose workers do it (this process)"
    )


def check_scheduler(arguments: argparse.Namespace, predictor: Predictor) -> None:
    """Make sure, before the run begins, that the machines asked for can work on it.

    Raises:
        MissingExtraError: dask.distributed isn't installed.
        ClusterError: they can't; the message names a machine and what it lacks.
    """
    if arguments.scheduler is not None:
        n_workers = check_workers(arguments.scheduler, Needs.of(arguments.raster, _model(arguments, predictor)))
        print(f"workers of {arguments.scheduler}: {n_workers}", file=sys.stderr)


def tile_stream(arguments: argparse.Namespace, started: RasterRun) -> TileStream | None:
    """Where the tiles are worked on; None: in this process."""
    if arguments.scheduler is None:
        return None
    return ClusterTiles.of(arguments.scheduler, started, _model(arguments, started.predictor))


def _model(arguments: argparse.Namespace, predictor: Predictor) -> ModelSource:
    given = arguments.checkpoint, arguments.device, arguments.dtype
    return ModelSource.of(*given, compiled=arguments.compile, version=predictor.version)
