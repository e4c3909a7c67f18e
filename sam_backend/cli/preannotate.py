"""``preannotate``: predictions for a whole project: masks of its rectangles, or of everything in its pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import cache, partial
from typing import NoReturn

from tqdm import tqdm

from sam_backend.cli.automatic import OPTIONS, add_options, chosen_options
from sam_backend.cli.lazy_model import LazyModel, ModelInForce
from sam_backend.cli.studio_arguments import (
    EXIT_INTERRUPTED,
    EXIT_SOME_FAILED,
    SAME_ENVIRONMENT,
    StudioConnection,
    add_studio,
    read_settings,
)
from sam_backend.errors import OptionsError
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.labeling_config import LabelingConfig
from sam_backend.label_studio.project.preannotating import Preannotating
from sam_backend.label_studio.project.preannotation import (
    EverythingMaker,
    RectangleMaker,
    RegionMaker,
    everything_targets,
)
from sam_backend.label_studio.project.prediction_mark import PredictionKind
from sam_backend.label_studio.project.project_pictures import ProjectPictures
from sam_backend.label_studio.rectangle_masks import takes_masks
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.settings import Settings
from sam_backend.store.open_store import open_shared_store

Pictures = Callable[[], ProjectPictures]
KINDS = {"boxes": PredictionKind.BOXES, "everything": PredictionKind.EVERYTHING}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser(
        "preannotate",
        help="predictions for a Label Studio project: masks of its rectangles, or of everything",
        description="Makes predictions for the tasks of a project and stores them in batches, with the version that is "
        "in force in SAM_DATA_FOLDER, or else with SAM_MODEL. Tasks that have one of this kind are passed over, so it "
        f"may be stopped and run again. {SAME_ENVIRONMENT}. Ends with 1 if a task couldn't be predicted.",
    )
    add_studio(parser)
    parser.add_argument(
        "--from",
        dest="source",
        required=True,
        choices=tuple(KINDS),
        help="boxes: masks of the rectangles that annotations, drafts or predictions of others hold; everything: all "
        "masks that the model finds",
    )
    parser.add_argument("--min-score", type=_share, default=0.0, metavar="S", help="leave out less sure masks (0)")
    parser.add_argument("--only-unlabeled", action="store_true", help="pass over tasks with a submitted annotation")
    parser.add_argument("--overwrite", action="store_true", help="replace our own predictions of this kind")
    parser.add_argument("--batch", type=_count, default=50, metavar="N", help="predictions in one request (50)")
    everything = parser.add_argument_group("of everything")
    everything.add_argument("--label", metavar="L", help="of each mask; needed where the labeling config has several")
    add_options(everything)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict what has no prediction of this kind yet; 0 if no task failed."""
    settings = read_settings(arguments)
    connection = StudioConnection.of(settings, arguments.project)
    about = connection.project.about()
    model = ModelInForce(settings)
    maker = _maker(arguments, about.config, cache(partial(_pictures, settings, connection.source, model)))
    print(f"predicting with {model.describe()}", file=sys.stderr)
    bar = tqdm(unit=" tasks", disable=None, file=sys.stderr)
    work = Preannotating(
        project=connection.project,
        kind=KINDS[arguments.source],
        maker=maker,
        version=model.version,
        overwrites=arguments.overwrite,
        only_unlabeled=arguments.only_unlabeled,
        min_score=arguments.min_score,
        batch_size=arguments.batch,
        on_task=lambda: _step(bar),
        on_failure=lambda task_id, reason: tqdm.write(f"skipped task {task_id}: {reason}", file=sys.stderr),
    )
    n_tasks = connection.project.count(work.wanted)
    bar.total = n_tasks
    is_interrupted = False
    with bar:
        try:
            work.run()
        except KeyboardInterrupt:
            is_interrupted = True
    return _say_the_end(work, about.n_tasks - n_tasks, is_interrupted=is_interrupted)


def _maker(arguments: argparse.Namespace, config: LabelingConfig, pictures: Pictures) -> RegionMaker:
    if not config.variables:
        raise OptionsError("the labeling config has no <Image> with a $variable, so the project has no pictures")
    if KINDS[arguments.source] is PredictionKind.EVERYTHING:
        targets = everything_targets(config, arguments.label)
        return EverythingMaker(config, targets, pictures, chosen_options(arguments))
    for name in ("label", "preset", *OPTIONS):
        if getattr(arguments, name) is not None:
            word = name.removesuffix("_s").replace("_", "-")
            raise OptionsError(f"--{word} is for --from everything: a box has its own label, and one mask")
    if not takes_masks(config):
        raise OptionsError(
            "no tag of the labeling config takes the mask of a rectangle: add Polygon, Bitmask or Brush with the same "
            "labels"
        )
    return RectangleMaker(config, pictures)


def _pictures(settings: Settings, source: ImageSource, model: LazyModel) -> ProjectPictures:
    nothing_kept: EmbeddingCache[Embedding] = EmbeddingCache(capacity_bytes=0)
    store = open_shared_store(settings.cache_url, settings.cache_disk_mb * 1_000_000)
    return ProjectPictures(
        source=source,
        embeddings=EmbeddingLibrary(nothing_kept, store),
        predictor=model.load(),
        max_pixels=settings.max_megapixels * 1_000_000,
    )


def _step(bar: tqdm[NoReturn]) -> None:
    bar.update()


def _say_the_end(work: Preannotating, n_passed_over: int, *, is_interrupted: bool) -> int:
    tally = work.tally
    done = (
        f"{tally.n_stored} predictions with {tally.n_regions} regions stored as "
        f"{work.kind.marked(work.version())!r}; {tally.n_empty} tasks without any, {n_passed_over} passed over, "
        f"{tally.n_failed} failed"
    )
    if is_interrupted:
        print(f"stopped: {done}; the same command goes on from here")
        return EXIT_INTERRUPTED
    print(done)
    return EXIT_SOME_FAILED if tally.n_failed else 0


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no score: give a number from 0 to 1")
    return share


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} makes no sense: give a whole number from 1 to 1000")
    return int(text)
