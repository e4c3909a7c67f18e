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
from sam_backend.model.variants import EMBEDDED
from sam_backend.predict.predictor import find_device
from sam_backend.training.embedding_store import EmbeddingStore
from sam_backend.training.freeze import Part, choose_trained
from sam_backend.training.initialise import initialise
from sam_backend.training.lessons import LessonSource, WindowLessons
from sam_backend.training.lora import add_lora
from sam_backend.training.mae import start_from_mae
from sam_backend.training.mixed_lessons import MixedLessons
from sam_backend.training.pointing import teach_pointing
from sam_backend.training.presets import PRESETS, preset
from sam_backend.training.processes import Processes
from sam_backend.training.reporting import ProgressBar, TensorBoard
from sam_backend.training.run import Reporter, RunFolder, run
from sam_backend.training.stored_lessons import StoredLessons
from sam_backend.training.trainer import Trainer
from sam_backend.training.training_settings import TrainingSettings
from sam_backend.training.validation import HeldOutPictures

N_POINTING_STEPS = 150


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
    group.add_argument("--data", type=data_spec, action="append", default=[], metavar=form, help="a data set of any kind")
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


def _run(arguments: argparse.Namespace) -> int:
    """Train; the files of the run say the rest."""
    device = find_device(arguments.device)
    processes = Processes.join(device)
    try:
        return _train(arguments, device, processes)
    finally:
        processes.leave()


def _train(arguments: argparse.Namespace, device: torch.device, processes: Processes) -> int:
    network = _start(arguments, untaught=arguments.resume).to(device)
    settings = _settings(arguments, network)
    learns = add_lora(network, settings.lora_rank) if settings.lora_rank else choose_trained(network, settings.trained)
    data = open_data(arguments.data, arguments.held_out)
    trainer = Trainer(network, _lessons(arguments, settings, network, data), settings, processes)
    folder = RunFolder(arguments.output)
    reporters: list[Reporter] = []
    if processes.is_first:
        print(learns, flush=True)
        reporters.append(ProgressBar(settings.n_steps))
        if arguments.tensorboard:
            reporters.append(TensorBoard(folder.folder / "tensorboard"))
    validator = HeldOutPictures(data.held_out) if data.held_out else None
    is_done = run(
        trainer,
        settings,
        folder,
        reporters=reporters,
        validator=validator,
        resumes=arguments.resume,
        processes=processes,
    )
    if processes.is_first:
        _say_the_end(reporters, folder, is_done)
    return 0


def _say_the_end(reporters: Sequence[Reporter], folder: RunFolder, is_done: bool) -> None:
    for reporter in reporters:
        reporter.close()
    kept = f"{folder.last}{f' and {folder.best}' if folder.best.exists() else ''}"
    print(f"wrote {kept}" if is_done else f"stopped: wrote {kept}; the same command with --resume goes on")


def _start(arguments: argparse.Namespace, untaught: bool) -> Sam:
    if arguments.init is not None:
        return load_network(arguments.init).train()
    seed = arguments.seed or 0
    torch.manual_seed(seed)
    settings = preset(arguments.preset or "small")
    network = Sam(EMBEDDED if settings is PRESETS["small"] else OFFICIAL[arguments.preset])
    initialise(network)
    if arguments.mae is not None:
        print(start_from_mae(network.image_encoder, arguments.mae))
    elif not untaught:
        print(f"learning to point: {N_POINTING_STEPS} steps on blank pictures", flush=True)
        teach_pointing(network.train(), n_steps=N_POINTING_STEPS, n_masks=24, seed=seed)
    return network


def _settings(arguments: argparse.Namespace, network: Sam) -> TrainingSettings:
    """The preset with what the command line says otherwise."""
    chosen = preset(arguments.preset or ("finetune" if arguments.init else "small"))
    said = {
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


def _lessons(
    arguments: argparse.Namespace, settings: TrainingSettings, network: Sam, data: OpenedData
) -> LessonSource:
    if arguments.cached is None:
        sources = window_sources(data, network.image_size, settings.zoom_range, arguments.cutouts, arguments.scenes)
        return WindowLessons(network, sources, settings.windows)
    if settings.trained != "decoder" or arguments.cutouts or arguments.scenes:
        raise DatasetError("--cached keeps embeddings of stored pictures: use it with --trained decoder and --data only")
    store = EmbeddingStore(arguments.cached, network, checkpoint_version(arguments.init))
    max_masks = max(window.max_masks for window in settings.windows)
    return MixedLessons([(StoredLessons(pictures, store, max_masks), share) for pictures, share in data.training])
