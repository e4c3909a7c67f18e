"""The one list of what a run over a raster can be told, for the command line, the worker and HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from sam_backend.errors import OptionsError
from sam_backend.geo.merge import NestingPolicy
from sam_backend.geo.prompt_layer import PromptKind
from sam_backend.geo.protocol.kinds import (
    FLAG,
    NUMBER,
    PATH,
    TWO_NUMBERS,
    WHOLE,
    WHOLE_NUMBERS,
    Kind,
    choice_of,
)
from sam_backend.geo.run.result_options import Drawing, ResultOptions
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.geo.simplify import TOLERANCE_PX
from sam_backend.geo.stretch import STRETCH_PERCENT
from sam_backend.geo.tiles import OVERLAP_PX, TILE_PX
from sam_backend.predict.automatic.options import AutomaticOptions

JOURNAL_ENDING = ".journal"


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to be told. What isn't told stays as the engine has it."""

    name: str
    """As a field of a request; the command line has - for _."""

    keyword: str
    """As the engine's classes call it, with its unit."""

    kind: Kind
    metavar: str
    help: str


_LOW, _HIGH = STRETCH_PERCENT

PROMPTS = (
    Option("prompts", "prompts", PATH, "LAYER", "one object for each of its features"),
    Option(
        "prompt_kind",
        "prompt_kind",
        choice_of(PromptKind),
        "|".join(kind.value for kind in PromptKind),
        "how to take the features (points as clicks, polygons as outlines)",
    ),
)
GRID = (
    Option(
        "area",
        "area_of_interest",
        PATH,
        "LAYER",
        "of polygons; only tiles (or prompts, if given) that meet them are worked on",
    ),
    Option("tile_size", "tile_px", WHOLE, "PX", f"side of a tile ({TILE_PX})"),
    Option("overlap", "overlap_px", WHOLE, "PX", f"of tiles ({OVERLAP_PX})"),
)
PIXELS = (
    Option("bands", "bands", WHOLE_NUMBERS, "1,2,3", "one to three (red, green and blue)"),
    Option(
        "stretch",
        "stretch_percent",
        TWO_NUMBERS,
        "LOW,HIGH",
        f"percent of the pixels that become black and white unless bands have 8 bits ({_LOW:g},{_HIGH:g})",
    ),
    Option("ground_size", "ground_size_factor", NUMBER, "F", "show objects F times as large, 0.25 to 4 (1)"),
)
READING = (*PIXELS, *GRID)
AUTOMATIC = (
    Option("points_per_side", "points_per_side", WHOLE, "N", "points of the grid along a side (32)"),
    Option("points_per_batch", "points_per_batch", WHOLE, "N", "points decoded together (64)"),
    Option(
        "pred_iou_thresh",
        "pred_iou_thresh",
        NUMBER,
        "N",
        "masks of a predicted IoU at or below it go (0.88; 0: all stay)",
    ),
    Option(
        "stability_score_thresh",
        "stability_score_thresh",
        NUMBER,
        "N",
        "masks less stable than it go (0.95; 0: all stay)",
    ),
    Option("box_nms_thresh", "box_nms_thresh", NUMBER, "N", "IoU of boxes above which the worse mask goes (0.7)"),
)
RESULTS = (
    Option("min_score", "min_score", NUMBER, "S", "predicted IoU that objects need (0)"),
    Option("min_stability", "min_stability", NUMBER, "S", "stability that they need (0)"),
    Option("min_area", "min_area_m2", NUMBER, "M2", "square metres that they need (0)"),
    Option("max_area", "max_area_m2", NUMBER, "M2", "that they may have (any)"),
    Option("min_hole", "min_hole_m2", NUMBER, "M2", "smaller holes are filled (0)"),
    Option(
        "nesting",
        "nesting",
        choice_of(NestingPolicy),
        "|".join(policy.value for policy in NestingPolicy),
        "which of nested objects stay (all)",
    ),
    Option("drawing", "drawing", choice_of(get_args(Drawing)), "|".join(get_args(Drawing)), "(outlines)"),
    Option("simplify", "simplify_px", NUMBER, "PX", f"how far outlines may stray ({TOLERANCE_PX:g})"),
    Option("keep_pieces", "keeps_pieces", FLAG, "", "keep all pieces of an object, not the largest alone"),
    Option("compare", "compares", FLAG, "", "tell what became of the outlines that were the prompts"),
)


def run_request(raster: Path, output: Path, journal: Path | None, told: Mapping[str, Any]) -> RunRequest:
    """The run that is asked for.

    Args:
        raster: to be read.
        output: where the results go; the journal lies beside it unless told otherwise.
        journal: where the run is kept.
        told: values of `PROMPTS`, `READING` and `AUTOMATIC` by name; those that weren't told are missing or None.

    Raises:
        OptionsError: a value makes no sense, or prompts meet options of automatic masks.
    """
    automatic = _keywords(AUTOMATIC, told)
    if automatic and told.get("prompts"):
        raise OptionsError(f"{next(iter(automatic))} is for automatic masks, but prompts were given: leave one out")
    return RunRequest(
        raster=raster,
        journal=journal or output.with_name(output.name + JOURNAL_ENDING),
        automatic=AutomaticOptions(**automatic),
        **_keywords((*PROMPTS, *READING), told),
    )


def result_options(told: Mapping[str, Any]) -> ResultOptions:
    """What is to become of the objects, by values of `RESULTS`.

    Raises:
        OptionsError: a value makes no sense.
    """
    return ResultOptions(**_keywords(RESULTS, told))


def pixel_keywords(told: Mapping[str, Any]) -> dict[str, Any]:
    """How pixels become what the model sees, as `plan_reading` calls it, by values of `PIXELS`."""
    return _keywords(PIXELS, told)


def _keywords(options: Sequence[Option], told: Mapping[str, Any]) -> dict[str, Any]:
    return {option.keyword: told[option.name] for option in options if told.get(option.name) is not None}
