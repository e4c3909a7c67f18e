"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from sam_backend.errors import OptionsError
from sam_backend.model.checkpoint import EMBEDDED_NAME, OFFICIAL_FILES
from sam_backend.predict.predictor import DTYPES, Predictor, load_sam

ClickXY = tuple[float, float, bool]
"""x, y and whether it lies on the object."""


def point(text: str) -> ClickXY:
    """Read ``x,y`` (on the object), ``x,y,1`` (the same) or ``x,y,0`` (not the object)."""
    x, y, *label = _numbers(text)
    if len(label) > 1 or label not in ([], [0.0], [1.0]):
        raise argparse.ArgumentTypeError(f"{text!r} is no point: give x,y or x,y,0 for a point beside the object")
    return x, y, label != [0.0]


def box(text: str) -> tuple[float, float, float, float]:
    """Read ``x0,y0,x1,y1``."""
    numbers = _numbers(text)
    if len(numbers) != 4:
        raise argparse.ArgumentTypeError(f"{text!r} is no box: give x0,y0,x1,y1")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} isn't numbers with commas between them") from None
    if len(numbers) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} isn't at least two numbers with a comma between them")
    return numbers


def add_prompts(parser: argparse.ArgumentParser | argparse._ArgumentGroup, frame: str) -> None:
    """Add ``--point``, ``--box`` and ``--single``; ``frame`` says what the numbers mean."""
    parser.add_argument(
        "--point",
        type=point,
        action="append",
        default=[],
        metavar="x,y[,0]",
        help=f"on the object, or not (0), in {frame}",
    )
    parser.add_argument("--box", type=box, metavar="x0,y0,x1,y1", help=f"around the object, in {frame}")
    parser.add_argument("--single", action="store_true", help="one mask instead of three readings of the prompt")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add ``--checkpoint``, ``--device``, ``--dtype`` and ``--compile``."""
    names = ", ".join(OFFICIAL_FILES)
    parser.add_argument(
        "--checkpoint", default=EMBEDDED_NAME, metavar="C", help=f"a file, or embedded (default), {names}"
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")
    parser.add_argument("--dtype", default="float32", choices=tuple(DTYPES))
    parser.add_argument(
        "--compile",
        action="store_true",
        help="by PyTorch's compiler: the first picture waits, the others take less time",
    )


def load_model(arguments: argparse.Namespace) -> Predictor:
    """Load what `add_model` asked for."""
    return load_sam(arguments.checkpoint, arguments.device, arguments.dtype, compiled=arguments.compile)


def output_file(*endings: str) -> Callable[[str], Path]:
    """A type for an output file whose name ends in one of ``endings``, in a folder that exists."""

    def check(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() not in endings:
            raise argparse.ArgumentTypeError(f"{text!r} should end in {' or '.join(endings)}")
        if not path.parent.is_dir():
            raise argparse.ArgumentTypeError(f"{text!r} lies in a folder that doesn't exist: make it first")
        return path

    return check


def check_replaces_nothing(source: Path, output: Path) -> None:
    """Make sure that an output isn't the picture that it is made of, by another name or a link either.

    Raises:
        OptionsError: it is.
    """
    if source.exists() and output.exists() and source.samefile(output):
        raise OptionsError(f"the output {output} would replace the picture {source}: give another name")
