"""``train``: a network from nothing, from a masked autoencoder, or on from other weights (fine-tuning)."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import torch

from sam_backend.cli.train_data import OpenedData, data_spec, open_data, window_sources
from sam_backend.errors import DatasetError
from sam_backend.model.checkpoint import checkpoint_version, load_network
from sam_backend.model.sam import Sam
from sam_backend.predict.predictor import find_device
from sam_backend.training.embedding_store import EmbeddingStore
from sam_backend.training.freeze import Part, choose_trained
from sam_backend.training.lessons import LessonSource, WindowLessons
from sam_backend.training.lora import add_lora
from sam_backend.training.mae import start_from_mae
from sam_backend.training.mixed_lessons import MixedLessons
from sam_backend.training.presets import PRESETS, preset
from sam_backend.training.processes import Processes
from sam_backend.training.reporting import ProgressBar, TensorBoard
from sam_backend.training.run import Reporter, RunFolder, run
from sam_backend.training.start import new_network, teach_basics
from sam_backend.training.stored_lessons import StoredLessons
from sam_backend.training.trainer import Trainer
from sam_backend.training.training_settings import TrainingSettings
from sam_backend.training.validation import HeldOutPictures

SEEING_MASKS = 40
"""Objects of a window when no prompt has to be answered for each."""

SEEING_PICTURES_PER_STEP = 2
"""Times as many as with prompts."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser("train", help="train or fine-tune a network")
    _add_data(parser)
    _add_network(parser)
    _add_settings(parser)
    parser.add_argument("--resume", action="store_true", help="go on from the run's folder where it was left")
    parser.add_argument("--tensorboard", action="store_true", help="write curves and predictions for TensorBoard")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="of the run's files")
    parser.set_defaults(run=_run)


def _add_data(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("data")
    form = "PATH[,share=S][,without=NAMES.txt][,held-out=S]"
    group.add_argument(
        "--data", type=data_spec, action="append", default=[], metavar=form, help="a data set of any kind"
    )
    group.add_argument(
        "--cutouts", type=data_spec, action="append", default=[], metavar="FOLDER[,share=S]", help="objects to paste"
    )
    group.add_argument("--scenes", type=float, default=0.0, metavar="SHARE", help="share of generated scenes")
    group.add_argument(
        "--held-out", type=float, default=0.1, metavar="S", help="share of each data set that judges (default 0.1)"
    )
    group.add_argument(
        "--cached", type=Path, metavar="FOLDER", help="encode each picture once and keep the embeddings there"
    )


def _add_network(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network")
    group.add_argument("--init", metavar="C", help="go on from these weights: a file, or embedded, vit_b, ...")
    group.add_argument("--mae", type=Path, metavar="FILE", help="masked autoencoder's ViT to start the encoder with")
    group.add_argument("--trained", choices=get_args(Part), help="what learns (default: the preset's)")
    group.add_argument("--lora-rank", type=int, metavar="R", help="learn low-rank changes of this rank instead")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings")
    group.add_argument("--preset", choices=tuple(PRESETS), help="default: finetune with --init, else small")
    group.add_argument("--steps", type=int, help="how often the weights move")
    group.add_argument("--pictures-per-step", type=int, metavar="N")
    group.add_argument("--learning-rate", type=float, metavar="R")
    group.add_argument("--schedule", choices=("steps", "cosine", "constant"))
    group.add_argument("--bf16", action="store_true", help="mixed precision")
    group.add_argument("--seed", type=int)
    group.add_argument(
        "--seeing-steps",
        type=int,
        default=600,
        metavar="N",
        help="of a new small network, before prompts (default 600)",
    )


def _run(arguments: argparse.Namespace) -> int:
    """Train; the files of the run say the rest."""
    device = find_device(arguments.device)
    processes = Processes.join(device)
    try:
        return _train(arguments, device, processes)
    finally:
        processes.leave()


def _train(arguments: argparse.Namespace, device: torch.device, processes: Processes) -> int:
    network = _start(arguments).to(device)
    settings = _settings(arguments, network)
    learns = add_lora(network, settings.lora_rank) if settings.lora_rank else choose_trained(network, settings.trained)
    data = open_data(arguments.data, arguments.held_out)
    lessons = _lessons(arguments, settings, network, data)
    if arguments.init is None and arguments.mae is None and not arguments.resume:
        _teach_basics(arguments, settings, network, data, processes)
    folder = RunFolder(arguments.output)
    reporters = _reporters(arguments, settings, folder) if processes.is_first else []
    if processes.is_first:
        print(learns, flush=True)
    is_done = run(
        Trainer(network, lessons, settings, processes),
        settings,
        folder,
        reporters=reporters,
        validator=HeldOutPictures(data.held_out) if data.held_out else None,
        resumes=arguments.resume,
        processes=processes,
    )
    if processes.is_first:
        _say_the_end(reporters, folder, is_done)
    return 0


def _teach_basics(
    arguments: argparse.Namespace,
    settings: TrainingSettings,
    network: Sam,
    data: OpenedData,
    processes: Processes,
) -> None:
    if not network.image_encoder.takes_windows:
        return
    print(f"learning the basics: {arguments.seeing_steps} steps without prompts", flush=True)
    windows = [dataclasses.replace(window, max_masks=SEEING_MASKS) for window in settings.windows]
    sources = window_sources(data, network.image_size, settings.zoom_range, arguments.cutouts, arguments.scenes)
    lessons = WindowLessons(network, sources, windows)
    pictures_per_step = SEEING_PICTURES_PER_STEP * settings.pictures_per_step
    teach_basics(network, lessons, arguments.seeing_steps, pictures_per_step, settings.seed, processes)


def _reporters(arguments: argparse.Namespace, settings: TrainingSettings, folder: RunFolder) -> list[Reporter]:
    reporters: list[Reporter] = [ProgressBar(settings.n_steps)]
    if arguments.tensorboard:
        reporters.append(TensorBoard(folder.folder / "tensorboard"))
    return reporters


def _say_the_end(reporters: Sequence[Reporter], folder: RunFolder, is_done: bool) -> None:
    for reporter in reporters:
        reporter.close()
    kept = f"{folder.last}{f' and {folder.best}' if folder.best.exists() else ''}"
    print(f"wrote {kept}" if is_done else f"stopped: wrote {kept}; the same command with --resume goes on")


def _start(arguments: argparse.Namespace) -> Sam:
    if arguments.init is not None:
        return load_network(arguments.init).train()
    network = new_network(arguments.preset or "small", arguments.seed or 0)
    if arguments.mae is not None:
        print(start_from_mae(network.image_encoder, arguments.mae), flush=True)
    return network


def _settings(arguments: argparse.Namespace, network: Sam) -> TrainingSettings:
    """The preset with what the command line says otherwise."""
    chosen = preset(arguments.preset or ("finetune" if arguments.init else "small"))
    # A ViT sees whole squares only; a convolutional encoder learns from more pictures in the same time by windows.
    windows = PRESETS["small"].windows if network.image_encoder.takes_windows else None
    said = {
        "windows": windows,
        "n_steps": arguments.steps,
        "pictures_per_step": arguments.pictures_per_step,
        "learning_rate": arguments.learning_rate,
        "schedule": arguments.schedule,
        "trained": arguments.trained,
        "lora_rank": arguments.lora_rank,
        "seed": arguments.seed,
        "rounds": dataclasses.replace(chosen.rounds, is_bfloat16=True) if arguments.bf16 else None,
    }
    return dataclasses.replace(chosen, **{name: value for name, value in said.items() if value is not None})


def _lessons(arguments: argparse.Namespace, settings: TrainingSettings, network: Sam, data: OpenedData) -> LessonSource:
    if arguments.cached is None:
        sources = window_sources(data, network.image_size, settings.zoom_range, arguments.cutouts, arguments.scenes)
        return WindowLessons(network, sources, settings.windows)
    if settings.trained != "decoder" or arguments.cutouts or arguments.scenes:
        raise DatasetError(
            "--cached keeps embeddings of stored pictures: use it with --trained decoder and --data only"
        )
    store = EmbeddingStore(arguments.cached, network, checkpoint_version(arguments.init))
    max_masks = max(window.max_masks for window in settings.windows)
    return MixedLessons([(StoredLessons(pictures, store, max_masks), share) for pictures, share in data.training])
