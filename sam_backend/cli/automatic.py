"""``automatic``: all masks of a picture, or of every picture of a folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, get_args

from tqdm import tqdm

from sam_backend.cli.arguments import add_model, check_replaces_nothing, load_model
from sam_backend.cli.automatic_folder import FolderRun
from sam_backend.cli.mask_map import draw_mask_map
from sam_backend.cli.recipe import Recipe
from sam_backend.errors import OptionsError
from sam_backend.model.checkpoint import checkpoint_version
from sam_backend.predict.automatic.annotation_files import sa1b_content, write_json, write_png
from sam_backend.predict.automatic.generator import Step, generate_steps
from sam_backend.predict.automatic.options import PRESETS, AutomaticOptions
from sam_backend.predict.automatic.small_regions import SmallMasks
from sam_backend.predict.picture import read_picture
from sam_backend.predict.predictor import Predictor

PICTURE_ENDINGS = (".json", ".png")

OPTIONS: dict[str, tuple[Callable[[str], Any], str]] = {
    "points_per_side": (int, "points of the grid along a side (32)"),
    "points_per_batch": (int, "points decoded together (64)"),
    "pred_iou_thresh": (float, "masks of a predicted IoU at or below it go (0.88; 0: all stay)"),
    "stability_score_thresh": (float, "masks less stable than it go (0.95; 0: all stay)"),
    "stability_score_offset": (float, "how far the threshold is shifted to see how stable a mask is (1)"),
    "box_nms_thresh": (float, "IoU of boxes above which the worse mask goes (0.7)"),
    "crop_n_layers": (int, "layers of crops to run besides the picture (0)"),
    "crop_nms_thresh": (float, "IoU of boxes above which the mask of the larger crop goes (0.7)"),
    "crop_overlap_ratio": (float, "overlap of crops, as a share of the picture's short side (0.3413)"),
    "crop_n_points_downscale_factor": (int, "how many times sparser the grid gets in each layer (1)"),
    "min_mask_region_area": (int, "holes and islands of fewer pixels are filled and removed (0)"),
    "small_masks": (str, f"masks of small islands only: {' or '.join(get_args(SmallMasks))} (keep_largest)"),
    "max_area_share": (float, "masks that cover so much of the picture go (none)"),
    "mask_nms_thresh": (float, "IoU of masks above which the worse one goes (none)"),
    "containment_thresh": (float, "share of a mask that may lie within another (none)"),
    "max_masks": (int, "so many at most, the best ones (all)"),
    "time_budget_s": (float, "seconds a picture may take; what was found by then is written (no limit)"),
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser("automatic", help="all masks of a picture, or of every picture of a folder")
    parser.add_argument("image", type=Path, metavar="IMAGE|FOLDER")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="of a picture: .json (as SA-1B) or .png (the masks drawn on it); of a folder: a folder, "
        "with a .json for each picture and coco.json for all; pictures that have theirs already are left alone",
    )
    add_options(parser)
    add_model(parser)
    parser.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add ``--preset`` and an option for each of `OPTIONS`."""
    parser.add_argument("--preset", choices=tuple(PRESETS), help="what options start from (official)")
    for name, (kind, text) in OPTIONS.items():
        parser.add_argument(f"--{_word(name)}", dest=name, type=kind, metavar="N", help=text)


def given_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was said of `OPTIONS`, by name."""
    return {name: getattr(arguments, name) for name in OPTIONS if getattr(arguments, name) is not None}


def chosen_options(arguments: argparse.Namespace) -> AutomaticOptions:
    """Read what `add_options` asked for.

    Raises:
        OptionsError: a value makes no sense.
    """
    return AutomaticOptions.preset(arguments.preset or "official", **given_options(arguments))


def run(arguments: argparse.Namespace) -> int:
    """Segment one picture or a folder."""
    options = chosen_options(arguments)
    output = _checked_output(arguments.image, arguments.output)
    if arguments.image.is_dir():
        recipe = Recipe(checkpoint_version(arguments.checkpoint), arguments.dtype, options)
        return FolderRun.plan(arguments.image, output).run(lambda: load_model(arguments), recipe)
    return _run_picture(arguments.image, output, load_model(arguments), options)


def _word(name: str) -> str:
    return name.removesuffix("_s").replace("_", "-")


def _checked_output(source: Path, text: str) -> Path:
    output = Path(text)
    if source.is_dir():
        if output.suffix.lower() in PICTURE_ENDINGS or output.is_file():
            raise OptionsError(f"{source} is a folder, so the output is one too, got {text!r}: give a folder")
        return output
    if text.endswith("/") or output.is_dir():
        output = output / f"{source.stem}.json"
    if output.suffix.lower() not in PICTURE_ENDINGS:
        raise OptionsError(f"the output {text!r} should end in .json or .png, or be a folder that exists")
    if not output.parent.is_dir():
        raise OptionsError(f"the output {text!r} lies in a folder that doesn't exist: make it first")
    check_replaces_nothing(source, output)
    return output


def _run_picture(path: Path, output: Path, predictor: Predictor, options: AutomaticOptions) -> int:
    image = read_picture(path)
    with tqdm(desc=path.name, unit=" points", disable=None, file=sys.stderr) as bar:
        *_, last = (_show(step, bar) for step in generate_steps(predictor, image, options))
    records = last.records()
    if output.suffix.lower() == ".png":
        write_png(draw_mask_map(image, records), output)
    else:
        write_json(sa1b_content(records, (image.shape[0], image.shape[1]), path.name), output)
    shortfall = "" if last.is_complete else f", as far as {options.time_budget_s:g} seconds allowed"
    print(f"wrote {output}: {len(records)} masks{shortfall}")
    return 0


def _show(step: Step, bar: tqdm[NoReturn]) -> Step:
    bar.total = step.n_points
    bar.update(step.n_points_done - bar.n)
    return step
