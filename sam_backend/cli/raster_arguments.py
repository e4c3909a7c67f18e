"""What ``raster`` and ``refilter`` can be told, and what comes of it."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import get_args

from sam_backend.cli.automatic import OPTIONS
from sam_backend.errors import OptionsError
from sam_backend.geo.merge import NestingPolicy
from sam_backend.geo.prompt_layer import PromptKind
from sam_backend.geo.run.result_options import Drawing, ResultOptions
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.geo.simplify import TOLERANCE_PX
from sam_backend.geo.stretch import STRETCH_PERCENT
from sam_backend.geo.tiles import OVERLAP_PX, TILE_PX
from sam_backend.predict.automatic.options import AutomaticOptions

AUTOMATIC = ("points_per_side", "points_per_batch", "pred_iou_thresh", "stability_score_thresh", "box_nms_thresh")
JOURNAL_ENDING = ".journal"


def add_run(group: argparse._ArgumentGroup) -> None:
    """Add what a run is about, and how to go on with one."""
    group.add_argument("--prompts", type=Path, metavar="LAYER", help="one object for each of its features")
    group.add_argument(
        "--prompt-kind",
        type=PromptKind,
        choices=list(PromptKind),
        metavar="|".join(kind.value for kind in PromptKind),
        help="how to take the features (points as clicks, anything else as outlines)",
    )
    group.add_argument("--area", type=Path, metavar="LAYER", help="of polygons; only tiles that meet them are read")
    group.add_argument("--tile-size", type=int, default=TILE_PX, metavar="PX", help=f"side of a tile ({TILE_PX})")
    group.add_argument("--overlap", type=int, default=OVERLAP_PX, metavar="PX", help=f"of tiles ({OVERLAP_PX})")
    group.add_argument("--no-heal", dest="heal", action="store_false", help="take no second look at cut objects")
    group.add_argument("--resume", action="store_true", help="go on with the run whose journal lies there")
    group.add_argument("--restart", action="store_true", help="begin anew though a journal lies there")
    group.add_argument("--journal", type=Path, metavar="FILE", help=f"where the run is kept (OUT{JOURNAL_ENDING})")


def add_reading(group: argparse._ArgumentGroup) -> None:
    """Add how pixels become what the model sees."""
    group.add_argument("--bands", type=_whole_numbers, metavar="1,2,3", help="one to three (red, green and blue)")
    group.add_argument(
        "--stretch",
        type=_two_numbers,
        default=STRETCH_PERCENT,
        metavar="LOW,HIGH",
        help="percent of the pixels that become black and white unless bands have 8 bits ({:g},{:g})".format(
            *STRETCH_PERCENT
        ).replace("%", "%%"),
    )
    group.add_argument(
        "--ground-size", type=float, default=1.0, metavar="F", help="show objects F times as large, 0.25 to 4 (1)"
    )


def add_automatic(group: argparse._ArgumentGroup) -> None:
    """Add the options of the automatic masks that matter for tiles."""
    for name in AUTOMATIC:
        kind, text = OPTIONS[name]
        group.add_argument(f"--{name.replace('_', '-')}", dest=name, type=kind, metavar="N", help=text)


def add_results(group: argparse._ArgumentGroup) -> None:
    """Add which objects are written, and how they are drawn."""
    group.add_argument("--min-score", type=float, default=0.0, metavar="S", help="predicted IoU that objects need (0)")
    group.add_argument("--min-stability", type=float, default=0.0, metavar="S", help="stability that they need (0)")
    group.add_argument("--min-area", type=float, default=0.0, metavar="M2", help="square metres that they need (0)")
    group.add_argument("--max-area", type=float, default=math.inf, metavar="M2", help="that they may have (any)")
    group.add_argument("--min-hole", type=float, default=0.0, metavar="M2", help="smaller holes are filled (0)")
    group.add_argument(
        "--nesting",
        type=NestingPolicy,
        choices=list(NestingPolicy),
        default=NestingPolicy.ALL,
        metavar="|".join(policy.value for policy in NestingPolicy),
        help="which of nested objects stay (all)",
    )
    group.add_argument("--drawing", choices=get_args(Drawing), default="outlines", help="(outlines)")
    group.add_argument(
        "--simplify",
        type=float,
        default=TOLERANCE_PX,
        metavar="PX",
        help=f"how far outlines may stray ({TOLERANCE_PX:g})",
    )
    group.add_argument("--keep-pieces", action="store_true", help="keep all pieces of an object, not the largest alone")


def run_request(arguments: argparse.Namespace) -> RunRequest:
    """The run that was asked for."""
    given = {name: getattr(arguments, name) for name in AUTOMATIC if getattr(arguments, name) is not None}
    if given and arguments.prompts:
        raise OptionsError(
            f"--{next(iter(given)).replace('_', '-')} is for automatic masks, but prompts were given: leave one out"
        )
    return RunRequest(
        raster=arguments.raster,
        journal=arguments.journal or arguments.output.with_name(arguments.output.name + JOURNAL_ENDING),
        bands=arguments.bands,
        stretch_percent=arguments.stretch,
        ground_size_factor=arguments.ground_size,
        tile_px=arguments.tile_size,
        overlap_px=arguments.overlap,
        area_of_interest=arguments.area,
        automatic=AutomaticOptions(**given),
        prompts=arguments.prompts,
        prompt_kind=arguments.prompt_kind,
    )


def result_options(arguments: argparse.Namespace) -> ResultOptions:
    """What is to become of the objects."""
    return ResultOptions(
        min_score=arguments.min_score,
        min_stability=arguments.min_stability,
        min_area_m2=arguments.min_area,
        max_area_m2=arguments.max_area,
        min_hole_m2=arguments.min_hole,
        nesting=arguments.nesting,
        drawing=arguments.drawing,
        simplify_px=arguments.simplify,
        keeps_pieces=arguments.keep_pieces,
    )


def _whole_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} isn't whole numbers with commas between them") from None


def _two_numbers(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} isn't two numbers with a comma between them") from None
    return low, high
