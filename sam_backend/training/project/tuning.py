"""Moving a decoder's weights for a bounded time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sam_backend.model.sam import Sam
from sam_backend.training.freeze import choose_trained
from sam_backend.training.lessons import LessonSource
from sam_backend.training.presets import FINETUNE
from sam_backend.training.trainer import Trainer
from sam_backend.training.training_settings import TrainingSettings

PROJECT_TUNING = dataclasses.replace(
    FINETUNE,
    n_steps=400,
    learning_rate=4e-4,
    n_warmup_steps=20,
    # The run may be ended by the clock at any step, and the average of the last ones makes up for a rate that
    # hasn't come down.
    schedule="constant",
    average_decay=0.95,
    trained="decoder",
)
"""On cached embeddings; see docs/learning.md for what was measured."""


@dataclass(frozen=True, slots=True)
class TuningProgress:
    """After a step."""

    n_steps_done: int
    n_steps: int
    loss: float
    seconds_left: float
    """Till the last step or the end of the time, whichever comes first."""


def tune_decoder(
    network: Sam,
    lessons: LessonSource,
    settings: TrainingSettings,
    max_s: float,
    on_step: Callable[[TuningProgress], None],
    clock: Callable[[], float] = time.monotonic,
) -> Sam:
    """Let prompt encoder and mask decoder learn; the image encoder stays as it is to the last bit.

    Args:
        network: to begin with; is changed.
        lessons: with features.
        settings: of the trainer.
        max_s: after which it ends before its last step; at least one is made.
        on_step: told after each.
        clock: in seconds.

    Returns:
        The average of the last steps' weights.

    Raises:
        DatasetError: there is nothing to learn from.
    """
    choose_trained(network, "decoder")
    trainer = Trainer(network, lessons, settings)
    began_s = clock()
    while not trainer.is_done:
        reports = trainer.step()
        past_s = clock() - began_s
        to_go_s = past_s / trainer.n_steps_done * (settings.n_steps - trainer.n_steps_done)
        loss = sum(report.loss for report in reports) / len(reports)
        left_s = max(0.0, min(to_go_s, max_s - past_s))
        on_step(TuningProgress(trainer.n_steps_done, settings.n_steps, loss, left_s))
        if past_s >= max_s:
            break
    return trainer.average


def packed_weights(network: Sam) -> dict[str, Tensor]:
    """Weights to be saved: in float16 what learnt, and what loses nothing by it; so the encoder's don't change."""
    return {
        name: _packed(value, keeps_all=name.startswith("image_encoder."))
        for name, value in network.state_dict().items()
    }


def _packed(value: Tensor, *, keeps_all: bool) -> Tensor:
    if not value.is_floating_point():
        return value.cpu()
    half = value.half()
    return value.cpu() if keeps_all and not torch.equal(half.to(value.dtype), value) else half.cpu()
