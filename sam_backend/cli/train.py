"""``train``: a network from nothing, from a masked autoencoder, or on from other weights (fine-tuning)."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sam_backend.cli import train_project
from sam_backend.cli.data_spec import EPILOG, open_spec
from sam_backend.cli.train_arguments import add_arguments, chosen_settings, preset_name
from sam_backend.cli.train_origin import origin_json
from sam_backend.errors import DatasetError, SettingsError
from sam_backend.model.checkpoint import checkpoint_version, load_network
from sam_backend.model.sam import Sam
from sam_backend.predict.predictor import find_device
from sam_backend.training.embedding_store import EmbeddingStore
from sam_backend.training.freeze import TrainedWeights, choose_trained
from sam_backend.training.lessons import LessonSource, WindowLessons
from sam_backend.training.lora import LoraReport, add_lora
from sam_backend.training.mae import start_from_mae
from sam_backend.training.mixed_lessons import MixedLessons
from sam_backend.training.processes import Processes
from sam_backend.training.reporting import ProgressBar, TensorBoard
from sam_backend.training.run import Reporter, RunEnd, RunFolder, run
from sam_backend.training.sample import PictureSet, SampleSource
from sam_backend.training.start import new_network, teach_basics
from sam_backend.training.stored_lessons import StoredLessons
from sam_backend.training.synthetic.pasted import PastedObjects
from sam_backend.training.synthetic.scenes import GeneratedScenes
from sam_backend.training.trainer import Trainer
from sam_backend.training.training_settings import TrainingSettings
from sam_backend.training.validation import HeldOutPictures
from sam_backend.training.windows import WindowSource

HELD_OUT = 0.1
"""Share of each data set that judges."""

SEEING_MASKS = 40
"""Objects of a window when no prompt has to be answered for each."""

SEEING_PICTURES = 2
"""Times as many a step as with prompts."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser(
        "train",
        help="train or fine-tune a network",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    train_project.add_project_arguments(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.project is not None:
        return train_project.run(arguments)
    if arguments.output is None:
        raise SettingsError("a training needs a folder for its files: give -o FOLDER, or --project N")
    device = find_device(arguments.device)
    processes = Processes.join(device)
    try:
        return _train(arguments, device, processes)
    finally:
        processes.leave()


def _train(arguments: argparse.Namespace, device: torch.device, processes: Processes) -> int:
    folder = RunFolder(arguments.output)
    if not arguments.resume:
        folder.require_new()  # a new network takes minutes before its run begins
    network = _start(arguments).to(device)
    settings = chosen_settings(arguments, network)
    learns = _choose_what_learns(network, settings)
    data = _open_data(arguments)
    validator = _validator(data)
    lessons = _lessons(arguments, settings, network, data)
    if network.image_encoder.takes_windows and arguments.init is None and not arguments.resume:
        _teach_basics(arguments, settings, network, data, processes)
    trainer = Trainer(network, lessons, settings, processes)
    reporters = _reporters(arguments, settings, folder) if processes.is_first else []
    if processes.is_first:
        print(learns, flush=True)
    end = run(
        trainer,
        settings,
        folder,
        reporters=reporters,
        validator=validator,
        origin_json=origin_json(arguments, _held_out_share(arguments), [one.names for one in data.held_out]),
        resumes=arguments.resume,
        processes=processes,
    )
    if processes.is_first:
        _say_the_end(reporters, folder, end)
    return 0


def _start(arguments: argparse.Namespace) -> Sam:
    if arguments.init is not None:
        return load_network(arguments.init).train()
    network = new_network(preset_name(arguments), arguments.seed or 0)
    if arguments.mae is not None:
        print(start_from_mae(network.image_encoder, arguments.mae), flush=True)
    return network


def _choose_what_learns(network: Sam, settings: TrainingSettings) -> LoraReport | TrainedWeights:
    if settings.lora_rank:
        return add_lora(network, settings.lora_rank, part=settings.trained, trains_norms=True)
    return choose_trained(network, settings.trained)


@dataclass(frozen=True, slots=True)
class _Data:
    training: list[tuple[PictureSet, float]]
    """With the share of each."""

    held_out: list[PictureSet]


def _open_data(arguments: argparse.Namespace) -> _Data:
    opened = [(open_spec(spec, _held_out_share(arguments)), spec.share) for spec in arguments.data]
    return _Data(
        training=[(data.training, share) for data, share in opened if data.training is not None],
        held_out=[data.held_out for data, _ in opened if data.held_out is not None],
    )


def _held_out_share(arguments: argparse.Namespace) -> float:
    return HELD_OUT if arguments.held_out is None else float(arguments.held_out)


def _validator(data: _Data) -> HeldOutPictures | None:
    """What judges, known to be able to: better said now than when a judgement is due."""
    if not data.held_out:
        return None
    validator = HeldOutPictures(data.held_out)
    validator.require_objects()
    return validator


def _sources(
    arguments: argparse.Namespace, settings: TrainingSettings, network: Sam, data: _Data
) -> list[tuple[SampleSource, float]]:
    sources: list[tuple[SampleSource, float]] = [
        (WindowSource(pictures, network.image_size, settings.zoom_range), share) for pictures, share in data.training
    ]
    sources += [(PastedObjects(spec.path), spec.share) for spec in arguments.cutouts]
    if arguments.scenes > 0:
        sources.append((GeneratedScenes(), arguments.scenes))
    return sources


def _lessons(arguments: argparse.Namespace, settings: TrainingSettings, network: Sam, data: _Data) -> LessonSource:
    if arguments.cached is None:
        return WindowLessons(network, _sources(arguments, settings, network, data), settings.windows)
    if arguments.init is None or settings.trained != "decoder" or arguments.cutouts or arguments.scenes:
        raise DatasetError(
            "--cached keeps the embeddings of stored pictures by a frozen encoder: "
            "use it with --init, --trained decoder and --data only"
        )
    store = EmbeddingStore(arguments.cached, network, checkpoint_version(arguments.init))
    max_masks = max(window.max_masks for window in settings.windows)
    return MixedLessons([(StoredLessons(pictures, store, max_masks), share) for pictures, share in data.training])


def _teach_basics(
    arguments: argparse.Namespace, settings: TrainingSettings, network: Sam, data: _Data, processes: Processes
) -> None:
    if processes.is_first:
        print(f"learning the basics: to point, then {arguments.seeing_steps} steps of seeing", flush=True)
    windows = [dataclasses.replace(window, max_masks=SEEING_MASKS) for window in settings.windows]
    lessons = WindowLessons(network, _sources(arguments, settings, network, data), windows)
    pictures_per_step = SEEING_PICTURES * settings.pictures_per_step
    teach_basics(network, lessons, arguments.seeing_steps, pictures_per_step, settings.seed, processes)


def _reporters(arguments: argparse.Namespace, settings: TrainingSettings, folder: RunFolder) -> list[Reporter]:
    reporters: list[Reporter] = [ProgressBar(settings.n_steps)]
    if arguments.tensorboard:
        reporters.append(TensorBoard(folder.folder / "tensorboard"))
    return reporters


def _say_the_end(reporters: Sequence[Reporter], folder: RunFolder, end: RunEnd) -> None:
    for reporter in reporters:
        reporter.close()
    kept = f"{folder.last}{f' and {folder.best}' if end.has_best else ''}"
    print(f"wrote {kept}" if end.is_done else f"stopped: wrote {kept}; the same command with --resume goes on")
