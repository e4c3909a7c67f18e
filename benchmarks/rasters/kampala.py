"""Real buildings in a real mosaic: how many of them a run of `raster` finds, by their boxes, by clicks, and unprompted.

    python -m benchmarks.rasters.kampala

Everything goes the way of the product: a run over tiles, its journal, filters, drawing, the map file, which is read
again and compared with the true outlines. Writes KAMPALA.md beside this file and a picture to docs/images.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import shapely

from benchmarks.machine import describe_machine
from benchmarks.markdown import table
from benchmarks.rasters.outline_picture import Panel, draw_panels
from sam_backend.evaluation.outline_matching import OutlineMatching, match_outlines
from sam_backend.geo.merge import NestingPolicy
from sam_backend.geo.prompt_layer import PromptKind
from sam_backend.geo.run.raster_run import RasterRun
from sam_backend.geo.run.result_options import ResultOptions
from sam_backend.geo.run.results import write_results
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.geo.vector_layer import read_vector_layer
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.predictor import Predictor, load_sam

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "geo" / "fair_oam"
REPORT, PICTURE = Path(__file__).with_name("KAMPALA.md"), ROOT / "docs" / "images" / "kampala.jpg"
THRESHOLDS = {"pred_iou_thresh": 0.25, "stability_score_thresh": 0.25}
"""Of automatic masks; the filters below look at what they leave."""

SMALLEST_M2, LARGEST_M2 = 12.0, 600.0
"""Of buildings, as a person would guess before looking at the truth."""

AREAS = {"min_area_m2": SMALLEST_M2, "max_area_m2": LARGEST_M2}
BY_BOX, BY_BOX_SQUARE, BY_CLICK, FILLED = "its box", "its box, right angles", "one click", "its box, filled: no model"
SHOWN_AUTOMATIC = "the same, top level"
AUTOMATIC_ROWS: dict[str, ResultOptions] = {
    "everything": ResultOptions(),
    f"{SMALLEST_M2:g} to {LARGEST_M2:g} m²": ResultOptions(**AREAS),
    SHOWN_AUTOMATIC: ResultOptions(**AREAS, nesting=NestingPolicy.TOP_LEVEL),
    "the same, score from 0.4": ResultOptions(**AREAS, nesting=NestingPolicy.TOP_LEVEL, min_score=0.4),
    "the same, score and stability from 0.5": ResultOptions(
        **AREAS, nesting=NestingPolicy.TOP_LEVEL, min_score=0.5, min_stability=0.5
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What one way of asking gave."""

    name: str
    outlines: list[shapely.Geometry]
    matching: OutlineMatching

    def cells(self) -> tuple[str, ...]:
        """Of the table."""
        one = self.matching
        figures = (one.precision, one.recall, one.f1, one.mean_pair_iou, one.mean_best_iou)
        return self.name, str(one.n_found), str(len(one.pairs)), *(f"{figure:.3f}" for figure in figures)


HEADER = ("asked by", "objects", "true", "precision", "recall", "F1", "mean IoU of the true", "mean IoU of all 107")


@dataclass(frozen=True, slots=True)
class Timed:
    """What a run cost."""

    cpu_s: float
    wall_s: float

    def __str__(self) -> str:
        """Both."""
        return f"{self.cpu_s:.0f} s of processor time, {self.wall_s:.0f} s by the clock"


def main() -> None:
    """Run three times, compare, write."""
    arguments = _arguments()
    raster, buildings = (arguments.data / name for name in ("kampalaA_z21_3072x2048.tif", "kampalaA_buildings.geojson"))
    truth = [shape for shape in read_vector_layer(buildings).shapes.values() if shape is not None]
    predictor = load_sam(arguments.model, device="cpu")
    rows: dict[str, Row] = {}
    costs: dict[str, Timed] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for asked, request in _requests(raster, buildings, folder, arguments.points_per_side).items():
            options_of = _options_of(asked)
            outlines_of, costs[asked] = _run(request, predictor, options_of)
            rows |= {row: Row(row, some, match_outlines(some, truth)) for row, some in outlines_of.items()}
            print(f"{asked}: {costs[asked]}", flush=True)
    filled = [shapely.box(*shape.bounds) for shape in truth]
    rows[FILLED] = Row(FILLED, filled, match_outlines(filled, truth))
    _write(arguments, predictor, rows, costs)
    panels = [
        Panel("by boxes", rows[BY_BOX].outlines, rows[BY_BOX].matching),
        Panel("automatic masks", rows[SHOWN_AUTOMATIC].outlines, rows[SHOWN_AUTOMATIC].matching),
    ]
    draw_panels(raster, truth, panels, arguments.picture)
    print(f"wrote {arguments.to} and {arguments.picture}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rasters.kampala", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--points-per-side", type=int, default=16, help="of a tile, for automatic masks (16)")
    parser.add_argument("--to", type=Path, default=REPORT, metavar="FILE")
    parser.add_argument("--picture", type=Path, default=PICTURE, metavar="FILE")
    return parser.parse_args()


def _requests(raster: Path, buildings: Path, folder: Path, points_per_side: int) -> dict[str, RunRequest]:
    clicks = folder / "clicks.geojson"
    _write_clicks(buildings, clicks)
    automatic = AutomaticOptions(points_per_side=points_per_side, **THRESHOLDS)
    boxes, points = PromptKind.BOXES, PromptKind.POINTS
    return {
        "boxes": RunRequest(raster=raster, journal=folder / "boxes", prompts=buildings, prompt_kind=boxes),
        "clicks": RunRequest(raster=raster, journal=folder / "clicks", prompts=clicks, prompt_kind=points),
        "automatic": RunRequest(raster=raster, journal=folder / "automatic", automatic=automatic),
    }


def _options_of(asked: str) -> Mapping[str, ResultOptions]:
    if asked == "boxes":
        return {BY_BOX: ResultOptions(), BY_BOX_SQUARE: ResultOptions(drawing="right_angles")}
    return {BY_CLICK: ResultOptions()} if asked == "clicks" else AUTOMATIC_ROWS


def _write_clicks(buildings: Path, file: Path) -> None:
    """A click in the widest place of each building."""
    layer = read_vector_layer(buildings)
    shapes = [shape for shape in layer.shapes.values() if shape is not None]
    centres = [shapely.maximum_inscribed_circle(shape, tolerance=0.1).coords[0] for shape in shapes]
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": xy}} for xy in centres
    ]
    crs = {"type": "name", "properties": {"name": layer.crs}}
    file.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))


def _run(
    request: RunRequest, predictor: Predictor, options_of: Mapping[str, ResultOptions]
) -> tuple[dict[str, list[shapely.Geometry]], Timed]:
    """The outlines that each choice of options leaves of one run, read from the map file; and what the run cost."""
    started = time.process_time(), time.perf_counter()
    run = RasterRun.begin(request, predictor)
    run.run()
    run.heal()
    took = Timed(time.process_time() - started[0], time.perf_counter() - started[1])
    return {name: list(_outlines(run, options)) for name, options in options_of.items()}, took


def _outlines(run: RasterRun, options: ResultOptions) -> Iterator[shapely.Geometry]:
    file = run.journal.path.with_suffix(".gpkg")
    write_results(run.journal, file, options)
    yield from (shape for shape in read_vector_layer(file, "objects").shapes.values() if shape is not None)
    file.unlink()


def _write(arguments: argparse.Namespace, predictor: Predictor, rows: dict[str, Row], costs: dict[str, Timed]) -> None:
    prompted = [rows[name].cells() for name in (BY_BOX, BY_BOX_SQUARE, FILLED, BY_CLICK)]
    unprompted = [rows[name].cells() for name in AUTOMATIC_ROWS]
    text = TEXT.format(
        command=" ".join(["python -m benchmarks.rasters.kampala", *sys.argv[1:]]),
        model=predictor.version,
        machine=describe_machine(),
        points=arguments.points_per_side,
        shown=SHOWN_AUTOMATIC,
        **THRESHOLDS,
        prompted=table(HEADER, prompted),
        unprompted=table(("kept of the automatic masks", *HEADER[1:]), unprompted),
        costs="; ".join(f"{asked}: {cost}" for asked, cost in costs.items()),
        picture=Path("..", "..", "docs", "images", arguments.picture.name),
    )
    arguments.to.write_text(text, encoding="utf-8")


TEXT = """# Buildings of Kampala

    {command}

A drone mosaic of 3072 x 2048 px at 7.5 cm with 107 true building outlines. The model ({model}) never saw any aerial
picture in training. Each row is a run of `raster`, its map file compared with the truth: objects are paired one to one
from an IoU of 0.5 on; *true* are the pairs. The last column takes, for each of the 107, what fits it best, 0 where
nothing is.

## One object for each building

{prompted}

The box is the true outline's: so a filled box is right wherever a building fills its box, and what the model adds to it
is the shape.

## Automatic masks

`--points-per-side {points} --pred-iou-thresh {pred_iou_thresh} --stability-score-thresh {stability_score_thresh}`;
the rows are filters on the same run (`refilter`).

{unprompted}

Automatic masks outline everything: trees, cars, shadows, paths, parts of roofs. None of it is told from a building, so
precision against buildings alone is low by design, and a filter by area can only help so far. Recall says how many
buildings are among what was outlined.

![Both, on a part of the mosaic]({picture})

Yellow: the truth. Green: outlines that are paired with it; magenta: those that aren't; on the right those of "{shown}".
Imagery: OpenAerialMap contributors, CC BY 4.0 (shrunk, darkened, outlines added), through hotosm/fAIr-utilities; true
buildings: OpenStreetMap contributors, ODbL.

Measured on {machine}. {costs}.
"""


if __name__ == "__main__":
    main()
