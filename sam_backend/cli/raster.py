"""``raster``: the outline of one object, prompted in map coordinates, from one window of a raster."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from sam_backend.cli.arguments import add_model, add_prompts, load_model, output_file
from sam_backend.cli.segment import print_scores
from sam_backend.errors import PromptError
from sam_backend.geo.geojson import Outline, map_features, write_geojson
from sam_backend.geo.one_window import MapPrompts, segment_window
from sam_backend.masks.polygons import mask_to_polygons


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser("raster", help="the outline of one object in a georeferenced raster")
    parser.add_argument("raster", type=Path, metavar="IN.tif")
    parser.add_argument("output", type=output_file(".geojson"), metavar="OUT.geojson", help="in EPSG:4326")
    add_prompts(parser, frame="map coordinates of the raster's CRS")
    add_model(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Segment the window around the prompts and write the best outline."""
    prompts = _prompts(arguments)
    answer = segment_window(arguments.raster, load_model(arguments), prompts, multimask=not arguments.single)
    print_scores(answer.prediction)
    best = answer.prediction.best
    outline = Outline(
        polygons=mask_to_polygons(answer.prediction.masks[best]),
        properties={"predicted_iou": round(float(answer.prediction.predicted_iou[best]), 4)},
    )
    write_geojson(map_features([outline], answer.window.transform, answer.window.crs), arguments.output)
    print(f"wrote {arguments.output}")
    return 0


def _prompts(arguments: argparse.Namespace) -> MapPrompts:
    if not arguments.point and arguments.box is None:
        raise PromptError("no prompt came: give at least one --point or a --box, in map coordinates")
    return MapPrompts(
        points_xy=np.array([click[:2] for click in arguments.point], np.float64).reshape(-1, 2),
        is_foreground=np.array([click[2] for click in arguments.point], np.bool_),
        box_xyxy=None if arguments.box is None else np.array(arguments.box, np.float64),
    )
