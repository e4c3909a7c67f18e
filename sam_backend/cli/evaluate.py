"""``evaluate``: mean IoU of a model's answers to boxes and clicks, beside the tools a user would otherwise have."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

from sam_backend.cli.arguments import add_model, load_model, output_file
from sam_backend.cli.data_spec import EPILOG, FORM, DataSpec, data_spec, open_spec
from sam_backend.errors import DatasetError
from sam_backend.evaluation.calibration_plot import plot_calibration
from sam_backend.evaluation.column import evaluate_pictures
from sam_backend.evaluation.extras import import_extra
from sam_backend.evaluation.report import Report, calibration_series
from sam_backend.evaluation.toolbox import GEOMETRY, full_toolbox
from sam_backend.training.data.joined import JoinedPictures
from sam_backend.training.data.label_folder import LabelFolder, held_out_nuclei
from sam_backend.training.data.subset import only
from sam_backend.training.sample import PictureSet
from sam_backend.training.synthetic.picture_sets import PastedPictures, ScenePictures

DEFAULT_N_PICTURES = 40
"""Of generated pictures, where --scenes doesn't say."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser(
        "evaluate",
        help="mean IoU of boxes and clicks, beside the tools you would have",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        type=_named_spec,
        action="append",
        default=[],
        metavar=f"NAME={FORM}",
        help="a data set and its column, see below; sets of one name are joined",
    )
    parser.add_argument("--nuclei", type=Path, metavar="FOLDER", help="BBBC038v1 (images/, labels/): the held-out part")
    parser.add_argument("--scenes", type=_count, metavar="N", help="N generated scenes, the same everywhere")
    parser.add_argument(
        "--cutouts", type=Path, metavar="FOLDER", help="as many pictures of held-out cut-outs on held-out backgrounds"
    )
    parser.add_argument("--max-objects", type=_count, metavar="N", help="draw at most N objects of each data set")
    parser.add_argument("--seed", type=int, default=0, help="of that draw (default 0)")
    parser.add_argument(
        "--tools", action="store_true", help="GrabCut, random walker, flood fill, Otsu too (needs sam-backend[eval])"
    )
    parser.add_argument("--json", type=output_file(".json"), metavar="FILE", help="write all figures")
    parser.add_argument(
        "--plot", type=output_file(".png"), metavar="FILE", help="draw the calibration (needs sam-backend[eval])"
    )
    add_model(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score every data set and print the table."""
    if arguments.plot:
        import_extra("matplotlib")  # rather now than after minutes of work
    toolbox = full_toolbox() if arguments.tools else GEOMETRY
    data = _open_data(arguments)
    predictor = load_model(arguments)
    columns = [
        evaluate_pictures(predictor, name, pictures, toolbox, arguments.max_objects, arguments.seed)
        for name, pictures in data.items()
    ]
    report = Report(predictor.version, columns, arguments.max_objects, arguments.seed)
    print(report.to_text())
    if arguments.json:
        arguments.json.write_text(json.dumps(report.to_json(), indent=1) + "\n", "utf-8")
    if arguments.plot:
        names = ", ".join(data)
        plot_calibration(*calibration_series(columns), f"{predictor.version} on {names}", arguments.plot)
    return 0


def _open_data(arguments: argparse.Namespace) -> dict[str, PictureSet]:
    sets: dict[str, list[PictureSet]] = defaultdict(list)
    if arguments.nuclei:
        sets["nuclei"].append(only(LabelFolder(arguments.nuclei), held_out_nuclei()))
    for name, spec in arguments.data:
        opened = open_spec(spec)
        chosen = opened.held_out or opened.training
        if chosen is not None:
            sets[name].append(chosen)
    if arguments.cutouts:
        sets["pasted"].append(PastedPictures(arguments.cutouts, arguments.scenes or DEFAULT_N_PICTURES))
    if arguments.scenes:
        sets["scenes"].append(ScenePictures(arguments.scenes))
    if not sets:
        raise DatasetError("there is nothing to evaluate on: give --data NAME=PATH, --cutouts FOLDER or --scenes N")
    return {name: some[0] if len(some) == 1 else JoinedPictures(some) for name, some in sets.items()}


def _named_spec(text: str) -> tuple[str, DataSpec]:
    name, equals, spec = text.partition("=")
    if not (name and equals and spec) or "," in name:
        raise argparse.ArgumentTypeError(f"{text!r} is no data set: give NAME=PATH, such as photos=data/photos")
    return name, data_spec(spec)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of things: give 1 or more")
    return int(text)
