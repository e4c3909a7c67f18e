"""What ``train`` can be told, and the settings that come of it."""

from __future__ import annotations

import argparse
import dataclasses
import math
from pathlib import Path
from typing import get_args

from sam_backend.cli.data_spec import FORM, data_spec
from sam_backend.model.sam import Sam
from sam_backend.training.freeze import Part
from sam_backend.training.presets import PRESETS, preset
from sam_backend.training.schedule import Schedule
from sam_backend.training.training_settings import LARGEST_SEED, TrainingSettings, WindowPlan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all of them."""
    _add_data(parser.add_argument_group("data"))
    _add_network(parser.add_argument_group("network"))
    _add_settings(parser.add_argument_group("settings"))
    parser.add_argument("--resume", action="store_true", help="go on from the run's folder where it was left")
    parser.add_argument("--tensorboard", action="store_true", help="write curves and predictions for TensorBoard")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="of the run's files")


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--data", type=data_spec, action="append", default=[], metavar=FORM, help="see below")
    group.add_argument(
        "--cutouts", type=data_spec, action="append", default=[], metavar="FOLDER[,share=S]", help="objects to paste"
    )
    group.add_argument("--scenes", type=_share_or_none, default=0.0, metavar="SHARE", help="share of generated scenes")
    group.add_argument(
        "--held-out", type=float, metavar="S", help="share of each data set that judges (default 0.1; of a project 0.2)"
    )
    group.add_argument(
        "--cached", type=Path, metavar="FOLDER", help="encode each picture once and keep the embeddings there"
    )


def _add_network(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--init", metavar="C", help="go on from these weights: a file, or embedded, vit_b, ...")
    group.add_argument("--mae", type=Path, metavar="FILE", help="masked autoencoder's ViT to start the encoder with")
    group.add_argument("--trained", choices=get_args(Part), help="what learns, or takes LoRA (default: everything)")
    group.add_argument("--lora-rank", type=int, metavar="R", help="learn low-rank changes of this rank instead")


def _add_settings(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--preset", choices=tuple(PRESETS), help="default: finetune with --init, else small")
    group.add_argument("--steps", type=int, help="how often the weights move")
    group.add_argument("--pictures-per-step", type=int, metavar="N", help="over all processes; gradients add up")
    group.add_argument("--learning-rate", type=float, metavar="R")
    group.add_argument("--schedule", choices=get_args(Schedule))
    group.add_argument("--bf16", action="store_true", help="mixed precision")
    group.add_argument("--seed", type=_seed, metavar="N")
    group.add_argument(
        "--seeing-steps", type=int, default=400, metavar="N", help="of a new small network before prompts (default 400)"
    )


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) > LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: give a whole number from 0 to {LARGEST_SEED}")
    return int(text)


def _share_or_none(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no share of the samples: give a number above 0, or 0 for none")
    return share


def preset_name(arguments: argparse.Namespace) -> str:
    """Of the preset that was asked for, or suits."""
    return str(arguments.preset or ("finetune" if arguments.init else "small"))


def chosen_settings(arguments: argparse.Namespace, network: Sam) -> TrainingSettings:
    """The preset with what the command line says otherwise.

    Raises:
        SettingsError: a value makes no sense.
    """
    chosen = preset(preset_name(arguments))
    if arguments.steps is not None:
        chosen = chosen.with_steps(arguments.steps)
    said = {
        "windows": _fitting_windows(chosen, network),
        "pictures_per_step": arguments.pictures_per_step,
        "learning_rate": arguments.learning_rate,
        "schedule": arguments.schedule,
        "trained": arguments.trained,
        "lora_rank": arguments.lora_rank,
        "seed": arguments.seed,
        "rounds": dataclasses.replace(chosen.rounds, is_bfloat16=True) if arguments.bf16 else None,
    }
    return dataclasses.replace(chosen, **{name: value for name, value in said.items() if value is not None})


def _fitting_windows(chosen: TrainingSettings, network: Sam) -> tuple[WindowPlan, ...]:
    """A ViT sees whole squares only; windows show a convolutional encoder more pictures in the same time."""
    max_masks = max(window.max_masks for window in chosen.windows)
    whole = (WindowPlan(side_px=network.image_size, share=1.0, max_masks=max_masks),)
    windows = chosen.windows if len(chosen.windows) > 1 else preset("small").windows
    fits = network.image_encoder.takes_windows and max(one.side_px for one in windows) <= network.image_size
    return windows if fits else whole
