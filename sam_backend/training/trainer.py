"""The trainer: steps over sources of samples, an average of the weights, a state to resume from."""

from __future__ import annotations

import copy
from typing import cast

import torch

from sam_backend.errors import CheckpointError, DatasetError
from sam_backend.model.conv_encoder import ConvImageEncoder
from sam_backend.model.sam import Sam
from sam_backend.training.chance import Chance
from sam_backend.training.lessons import LessonSource
from sam_backend.training.parameter_groups import parameter_groups, set_learning_rate
from sam_backend.training.processes import Processes
from sam_backend.training.regularise import regularised
from sam_backend.training.rounds import LessonReport, SideLesson, learn, learn_prompts
from sam_backend.training.schedule import learning_rate_factor
from sam_backend.training.seeing import AffinityHead, affinity_loss
from sam_backend.training.training_settings import TrainingSettings


class Trainer:
    """Trains a network in place, on the device where it lies, and keeps an average of its weights."""

    def __init__(
        self,
        network: Sam,
        lessons: LessonSource,
        settings: TrainingSettings,
        processes: Processes | None = None,
    ) -> None:
        """Get ready.

        Args:
            network: to be trained; weights that don't require gradients stay as they are.
            lessons: what to learn.
            settings: see `TrainingSettings`.
            processes: the others that share each step's pictures.

        Raises:
            DatasetError: fewer pictures a step than processes.
        """
        self._processes = processes or Processes()
        if settings.pictures_per_step < self._processes.world_size:
            raise DatasetError(
                f"{settings.pictures_per_step} pictures a step don't go round {self._processes.world_size} processes: "
                "ask for at least one picture a process"
            )
        self.network = network.train()
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        self.n_steps_done = 0
        self._settings = settings
        self._lessons = lessons
        self._device = next(network.parameters()).device
        self._affinity_head = _new_affinity_head(network, settings)
        heads = list(self._affinity_head.parameters()) if self._affinity_head else []
        groups = parameter_groups(network, weight_decay=settings.weight_decay, layer_decay=settings.layer_decay)
        self._trained = [weight for weight in network.parameters() if weight.requires_grad] + heads
        self._optimizer = torch.optim.AdamW(
            [*groups, {"params": heads, "weight_decay": 0.0, "lr_scale": 1.0}] if heads else groups,
            lr=settings.learning_rate,
            betas=(settings.first_moment_decay, settings.second_moment_decay),
        )

    @property
    def is_done(self) -> bool:
        """Whether the run has come to its end."""
        return self.n_steps_done >= self._settings.n_steps

    def step(self) -> list[LessonReport]:
        """Learn from this process's pictures of one step and move the weights once."""
        set_learning_rate(self._optimizer, self.learning_rate())
        with regularised(self.network, self._settings.drop_path, self._settings.decoder_dropout):
            reports = [self._learn(picture) for picture in self._processes.share(self._settings.pictures_per_step)]
        self._processes.add_gradients(self._trained)
        if self._settings.largest_gradient_norm is not None:
            torch.nn.utils.clip_grad_norm_(self._trained, self._settings.largest_gradient_norm)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.n_steps_done += 1
        self._move_average()
        return reports

    def learning_rate(self) -> float:
        """Of the next step."""
        return self._settings.learning_rate * learning_rate_factor(
            self.n_steps_done, self._settings.n_steps, self._settings.schedule, self._settings.n_warmup_steps
        )

    def state(self) -> dict[str, object]:
        """Everything that `resume` needs to go on as if nothing had happened."""
        return {
            "network": self.network.state_dict(),
            "affinity_head": self._affinity_head.state_dict() if self._affinity_head else {},
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "n_steps_done": self.n_steps_done,
        }

    def resume(self, state: dict[str, object]) -> None:
        """Go on from a `state`.

        Raises:
            CheckpointError: it belongs to another network.
        """
        try:
            self.network.load_state_dict(cast("dict[str, torch.Tensor]", state["network"]))
            if self._affinity_head:
                self._affinity_head.load_state_dict(cast("dict[str, torch.Tensor]", state["affinity_head"]))
            self.average.load_state_dict(cast("dict[str, torch.Tensor]", state["average"]))
            self._optimizer.load_state_dict(cast("dict[str, object]", state["optimizer"]))
            self.n_steps_done = cast(int, state["n_steps_done"])
        except (KeyError, ValueError, RuntimeError) as error:
            reason = str(error).split("\n", 1)[0]
            raise CheckpointError(
                f"the state belongs to another network or run ({reason}): begin again in another folder"
            ) from None

    def _learn(self, picture: int) -> LessonReport:
        chance = Chance.of(self._settings.seed, self.n_steps_done, picture, self._device)
        drawn = self._lessons.draw(chance.rng, chance.step_rng)
        lesson = drawn.lesson.to(self._device)
        torch.manual_seed(chance.dropout_seed)
        scale = 1 / self._settings.pictures_per_step
        if drawn.features is not None:
            return learn_prompts(self.network, drawn.features, lesson, self._settings.rounds, scale, chance.generator)
        side_lesson = _affinities(self._affinity_head, self._settings.affinity_weight) if self._affinity_head else None
        return learn(self.network, lesson, self._settings.rounds, scale, chance.generator, side_lesson)

    @torch.no_grad()
    def _move_average(self) -> None:
        # Early on the average would remember the random start, so it follows faster then.
        decay = min(self._settings.average_decay or 0.0, self.n_steps_done / (self.n_steps_done + 10))
        for average, current in zip(self.average.parameters(), self.network.parameters(), strict=True):
            average.lerp_(current, 1 - decay)


def _new_affinity_head(network: Sam, settings: TrainingSettings) -> AffinityHead | None:
    encoder = network.image_encoder
    if not settings.affinity_weight or not isinstance(encoder, ConvImageEncoder):
        return None
    torch.manual_seed(settings.seed)
    return AffinityHead(encoder).to(next(network.parameters()).device)


def _affinities(head: AffinityHead, weight: float) -> SideLesson:
    return lambda features, lesson: weight * affinity_loss(head(features), lesson.target > 0.5)
