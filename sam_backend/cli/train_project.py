"""``train --project N``: go on from the model in force with the annotations of a Label Studio project."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import FrameType

import torch

from sam_backend.errors import SamBackendError
from sam_backend.service.versions.book import VersionBook
from sam_backend.service.versions.learning import outcome
from sam_backend.service.versions.project_training import Plan, ProjectTraining
from sam_backend.service.versions.studio_source import open_studio_project
from sam_backend.service.versions.training_lock import training_lock
from sam_backend.service.versions.version import Version
from sam_backend.settings import Settings

EXIT_FAILED = 1
EXIT_STOPPED = 130
_HELD_OUT = 0.2
_NICENESS = 10


def add_project_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only ``--project`` takes."""
    group = parser.add_argument_group(
        "a project of Label Studio", "reads LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY and SAM_MODEL as the service does"
    )
    group.add_argument("--project", type=int, metavar="N", help="learn from its annotations; see docs/learning.md")
    group.add_argument("--minutes", type=float, metavar="M", help="of learning at most (default SAM_TRAIN_MINUTES: 10)")
    group.add_argument(
        "--promote",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="put the new version in force if it is no worse on the held-out tasks (default)",
    )
    group.add_argument("--tasks", type=Path, metavar="FILE", help="take the annotations from an export (JSON)")
    group.add_argument("--into", help=argparse.SUPPRESS)  # the service made the version, and holds the lock for us


def run(arguments: argparse.Namespace) -> int:
    """Train, and print how it ends."""
    settings = Settings.from_env(os.environ)
    book = VersionBook(settings.data_folder / "versions")
    if arguments.into is not None:
        _stand_back()
    with training_lock(book.lock_file) if arguments.into is None else nullcontext():
        version = book.begin(arguments.project) if arguments.into is None else book.read(arguments.into)
        training = ProjectTraining(book, version, _plan(arguments, settings), say=lambda line: print(line, flush=True))
        return _finish(
            training, lambda: training.run(open_studio_project(settings, arguments.project, arguments.tasks))
        )


def _plan(arguments: argparse.Namespace, settings: Settings) -> Plan:
    return Plan(
        project=arguments.project,
        model=arguments.init or settings.model,
        device=settings.device if arguments.device == "auto" else arguments.device,
        minutes=arguments.minutes if arguments.minutes is not None else settings.train_minutes,
        n_steps=arguments.steps if arguments.steps is not None else settings.train_steps,
        held_out_share=_HELD_OUT if arguments.held_out is None else arguments.held_out,
        promotes=arguments.promote,
        max_pixels=settings.max_megapixels * 1_000_000,
    )


def _finish(training: ProjectTraining, work: Callable[[], Version]) -> int:
    """Whatever happens, the version says what came of it."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        version = work()
    except SamBackendError as error:
        training.gave_up("failed", str(error))
        raise
    except KeyboardInterrupt:
        training.gave_up("stopped", "somebody stopped it")
        print("stopped", file=sys.stderr)
        return EXIT_STOPPED
    except Exception as error:  # noqa: BLE001 - the outermost edge of this process
        traceback.print_exc()
        training.gave_up("failed", f"an unexpected error, written to its log: {type(error).__name__}: {error}"[:300])
        return EXIT_FAILED
    print(f"{version.name} is {outcome(version)}{f'; {version.reason}' if version.reason else ''}")
    return 0 if version.state == "ready" else EXIT_FAILED


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stand_back() -> None:
    """Leave the machine to those who click."""
    os.nice(_NICENESS)
    torch.set_num_threads(max(1, torch.get_num_threads() // 2))
