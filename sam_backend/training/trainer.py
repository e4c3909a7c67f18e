"""A first simple trainer: steps over sources of samples, an average of the weights, a file to resume from."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sam_backend.errors import DatasetError
from sam_backend.model.sam import Sam
from sam_backend.training.lesson import make_lesson
from sam_backend.training.rounds import LessonReport, RoundPlan, learn
from sam_backend.training.sample import SampleSource

SMALL_ROUNDS = RoundPlan(
    n_rounds=3, n_mask_only_rounds=0, mask_prompt_share=0.7, single_mask_share_for_boxes=0.5, learns_every_iou=True
)


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """One size of windows."""

    side_px: int
    """In model px."""

    share: float
    """Of the samples."""

    max_masks: int
    """Objects that are learnt from a sample."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How long and how hard to train."""

    n_steps: int
    pictures_per_step: int = 4
    rounds: RoundPlan = SMALL_ROUNDS
    windows: tuple[WindowPlan, ...] = (WindowPlan(256, 0.88, 12), WindowPlan(512, 0.12, 8))

    learning_rate: float = 4e-4
    """At the end of the warm-up; then half a cosine down to a hundredth of it."""

    n_warmup_steps: int = 100
    weight_decay: float = 0.05
    largest_gradient_norm: float = 0.1
    """Small, so that the first steep steps don't dwarf the gentle slope after them in Adam's memory."""

    second_moment_decay: float = 0.98
    """Of Adam; the paper's 0.999 remembers longer than the first phase of a run of minutes lasts."""

    average_decay: float = 0.997
    """Of the moving average of the weights, which is what is saved in the end."""

    seed: int = 0
    save_every_n_steps: int = 100


class Trainer:
    """Trains a network in place and keeps an average of its weights."""

    def __init__(self, network: Sam, sources: Sequence[tuple[SampleSource, float]], plan: TrainingPlan) -> None:
        """Get ready.

        Args:
            network: to be trained, on the CPU.
            sources: where samples come from, with the share of each.
            plan: see `TrainingPlan`.

        Raises:
            DatasetError: there is no source.
        """
        if not sources:
            raise DatasetError("there is nothing to learn from: name a data set or use generated scenes")
        self.network = network.train()
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        self.n_steps_done = 0
        self._plan = plan
        self._sources = [source for source, _ in sources]
        self._shares = np.array([share for _, share in sources]) / sum(share for _, share in sources)
        self._window_shares = np.array([window.share for window in plan.windows])
        self._rng = np.random.default_rng(plan.seed)
        self._generator = torch.Generator().manual_seed(plan.seed)
        self._optimizer = torch.optim.AdamW(
            _parameter_groups(network, plan.weight_decay), betas=(0.9, plan.second_moment_decay)
        )

    def run(self, state_file: Path, report: Callable[[int, list[LessonReport], float], None]) -> None:
        """Train to the end of the plan, saving the state every so often and at the end.

        Args:
            state_file: where to resume from another time.
            report: called after each step with its number, its lessons and its seconds.
        """
        while self.n_steps_done < self._plan.n_steps:
            started = time.monotonic()
            lessons = self.step()
            report(self.n_steps_done, lessons, time.monotonic() - started)
            if self.n_steps_done % self._plan.save_every_n_steps == 0 or self.n_steps_done == self._plan.n_steps:
                self.save_state(state_file)

    def step(self) -> list[LessonReport]:
        """Learn from a few pictures and move the weights once."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.n_steps_done, self._plan)
        scale = 1 / self._plan.pictures_per_step
        reports = [self._learn_from_one_picture(scale) for _ in range(self._plan.pictures_per_step)]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._plan.largest_gradient_norm)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.n_steps_done += 1
        self._move_average()
        return reports

    def save_state(self, path: Path) -> None:
        """Write everything that `load_state` needs to go on as if nothing had happened."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "n_steps_done": self.n_steps_done,
            "numpy_rng": self._rng.bit_generator.state,
            "torch_rng": self._generator.get_state(),
        }
        save_atomically(state, path)

    def load_state(self, path: Path) -> None:
        """Go on from a file of `save_state`."""
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.n_steps_done = state["n_steps_done"]
        self._rng.bit_generator.state = state["numpy_rng"]
        self._generator.set_state(state["torch_rng"])

    def _learn_from_one_picture(self, scale: float) -> LessonReport:
        while True:
            source = self._sources[self._rng.choice(len(self._sources), p=self._shares)]
            window = self._plan.windows[self._rng.choice(len(self._window_shares), p=self._window_shares)]
            sample = source.draw(self._rng, window.side_px, window.max_masks)
            lesson = make_lesson(sample, window.side_px, self._random_origin_xy(window.side_px))
            if len(lesson.target):
                return learn(self.network, lesson, self._plan.rounds, scale, self._generator)

    def _random_origin_xy(self, window_px: int) -> tuple[int, int]:
        grid_size = self.network.image_encoder.grid_size
        n_places = grid_size - window_px * grid_size // self.network.image_size + 1
        left, top = self._rng.integers(n_places, size=2).tolist()
        return left, top

    @torch.no_grad()
    def _move_average(self) -> None:
        # Early on the average would remember the random start, so it follows faster then.
        decay = min(self._plan.average_decay, self.n_steps_done / (self.n_steps_done + 10))
        for average, current in zip(self.average.parameters(), self.network.parameters(), strict=True):
            average.lerp_(current, 1 - decay)


def learning_rate(n_steps_done: int, plan: TrainingPlan) -> float:
    """The rate of the next step: a linear warm-up, then half a cosine."""
    if n_steps_done < plan.n_warmup_steps:
        return plan.learning_rate * (n_steps_done + 1) / plan.n_warmup_steps
    progress = (n_steps_done - plan.n_warmup_steps) / max(1, plan.n_steps - plan.n_warmup_steps)
    return plan.learning_rate * max(0.01, 0.5 * (1 + math.cos(math.pi * progress)))


def save_weights(network: Sam, path: Path) -> None:
    """Write a network's weights in float16, as `load_sam` reads them."""
    save_atomically({name: _as_float16(value) for name, value in network.state_dict().items()}, path)


def save_atomically(content: object, path: Path) -> None:
    """Write a PyTorch file so that a crash leaves the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    torch.save(content, unfinished)
    os.replace(unfinished, path)


def _as_float16(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value


def _parameter_groups(network: Sam, weight_decay: float) -> list[dict[str, object]]:
    """Matrices decay; biases, norms and embeddings of one row don't."""
    matrices = [p for p in network.parameters() if p.ndim > 1 and p.shape[0] > 1]
    others = [p for p in network.parameters() if p.ndim <= 1 or p.shape[0] == 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
