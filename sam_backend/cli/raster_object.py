"""One object of a raster, prompted by hand in map coordinates."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from sam_backend.cli.arguments import load_model
from sam_backend.cli.raster_arguments import told_of_runs
from sam_backend.cli.segment import print_scores
from sam_backend.errors import OptionsError
from sam_backend.geo.geojson import Outline, map_features, write_geojson
from sam_backend.geo.one_window import MapPrompts, segment_window
from sam_backend.geo.protocol.options import pixel_keywords
from sam_backend.geo.read_plan import plan_reading
from sam_backend.masks.polygons import mask_to_polygons


def segment_one(arguments: argparse.Namespace) -> int:
    """Segment the window around the prompts and write the best outline.

    Raises:
        OptionsError: the output isn't GeoJSON in a folder that exists, or an option is for whole runs.
    """
    _check_output(arguments.output)
    _check_options(arguments)
    plan = plan_reading(arguments.raster, **pixel_keywords(vars(arguments)))
    answer = segment_window(arguments.raster, load_model(arguments), _prompts(arguments), not arguments.single, plan)
    print_scores(answer.prediction)
    best = answer.prediction.best
    outline = Outline(
        polygons=mask_to_polygons(answer.prediction.masks[best]),
        properties={"predicted_iou": round(float(answer.prediction.predicted_iou[best]), 4)},
    )
    write_geojson(map_features([outline], answer.window.transform, answer.window.crs), arguments.output)
    print(f"wrote {arguments.output}")
    return 0


def _check_output(output: Path) -> None:
    if output.suffix.lower() != ".geojson":
        raise OptionsError(f"one object is written as GeoJSON, got {output.name}: give a name in .geojson")
    if not output.parent.is_dir():
        raise OptionsError(f"{output} lies in a folder that doesn't exist: make it first")


def _check_options(arguments: argparse.Namespace) -> None:
    told = told_of_runs(arguments)
    if told:
        raise OptionsError(
            f"{told[0]} is for whole runs, but --point and --box ask for one object: leave it out, or those two"
        )


def _prompts(arguments: argparse.Namespace) -> MapPrompts:
    return MapPrompts(
        points_xy=np.array([click[:2] for click in arguments.point], np.float64).reshape(-1, 2),
        is_foreground=np.array([click[2] for click in arguments.point], np.bool_),
        box_xyxy=None if arguments.box is None else np.array(arguments.box, np.float64),
    )
