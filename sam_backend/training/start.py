"""What a new network begins with, before the rounds of prompts."""

from __future__ import annotations

import torch

from sam_backend.errors import DatasetError
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.model.variants import EMBEDDED, VIT_B, VIT_H, VIT_L
from sam_backend.training.initialise import initialise
from sam_backend.training.lessons import LessonSource
from sam_backend.training.pointing import teach_pointing
from sam_backend.training.processes import Processes
from sam_backend.training.seeing import teach_seeing

NEW_NETWORKS: dict[str, SamConfig] = {"b": VIT_B, "l": VIT_L, "h": VIT_H, "small": EMBEDDED}
"""What a preset trains when it starts from nothing."""

N_POINTING_STEPS = 150
N_ELLIPSES = 24


def new_network(preset_name: str, seed: int) -> Sam:
    """A network with random weights, the same for the same seed.

    Raises:
        DatasetError: the preset is one for going on from other weights.
    """
    if preset_name not in NEW_NETWORKS:
        raise DatasetError(f"the preset {preset_name} goes on from other weights: say which with --init")
    torch.manual_seed(seed)
    network = Sam(NEW_NETWORKS[preset_name])
    initialise(network)
    return network


def teach_basics(
    network: Sam, lessons: LessonSource, n_seeing_steps: int, pictures_per_step: int, seed: int, processes: Processes
) -> None:
    """Let a small network learn what prompts mean and what belongs together: its decoder, then its encoder."""
    teach_pointing(network.train(), N_POINTING_STEPS, N_ELLIPSES, seed)
    teach_seeing(network, lessons, n_seeing_steps, pictures_per_step, seed, processes)
