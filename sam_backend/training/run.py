"""A run: the trainer's steps with everything a person wants of them: files, reports, judgement, a way to stop."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

from sam_backend.training.files import check_same_settings, load_state, save_atomically, save_text, save_weights
from sam_backend.training.lora import merge_lora
from sam_backend.training.processes import Processes
from sam_backend.training.rounds import LessonReport
from sam_backend.training.trainer import Trainer
from sam_backend.training.training_settings import TrainingSettings
from sam_backend.training.validation import Validation, Validator


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of a run."""

    folder: Path

    @property
    def settings(self) -> Path:
        """What the run was told, as JSON."""
        return self.folder / "settings.json"

    @property
    def state(self) -> Path:
        """Where to resume."""
        return self.folder / "state.pt"

    @property
    def last(self) -> Path:
        """The newest weights, as `load_sam` reads them."""
        return self.folder / "last.pth"

    @property
    def best(self) -> Path:
        """The weights that were judged best."""
        return self.folder / "best.pth"

    def grid(self, step: int) -> Path:
        """A sheet of predictions after a step."""
        return self.folder / "predictions" / f"step_{step:06d}.png"


class Reporter(Protocol):
    """Someone who is told how a run goes."""

    def step(self, n_steps_done: int, learning_rate: float, lessons: Sequence[LessonReport]) -> None:
        """After each step."""
        ...

    def validation(self, n_steps_done: int, validation: Validation) -> None:
        """After each judgement."""
        ...

    def close(self) -> None:
        """When the run has ended."""
        ...


def run(
    trainer: Trainer,
    settings: TrainingSettings,
    folder: RunFolder,
    *,
    reporters: Sequence[Reporter] = (),
    validator: Validator | None = None,
    resumes: bool = False,
    processes: Processes | None = None,
) -> bool:
    """Train to the end of the settings, or until someone asks to stop (Ctrl-C, SIGTERM): then the state is saved.

    Args:
        trainer: new; with ``resumes`` it goes on from the folder's state.
        settings: the trainer's own, written beside the weights.
        folder: where files go. Only the first process writes.
        reporters: told of every step and judgement, in the first process.
        validator: judges the weights every so often; the best are kept.
        resumes: whether to go on with what the folder holds.
        processes: those that share the steps.

    Returns:
        Whether the run came to its end.

    Raises:
        CheckpointError: there is no state to resume from, or it is damaged or another network's.
        DatasetError: the folder's run had other settings, or a source ran dry.
    """
    writes = (processes or Processes()).is_first
    best = -1.0
    if resumes:
        state = load_state(folder.state)
        check_same_settings(settings.to_json(), folder.settings)
        trainer.resume(state)
        best = float(str(state.get("best_mean_iou", best)))
    elif writes:
        save_text(settings.to_json(), folder.settings)
    keeper = _Keeper(trainer, folder, best) if writes else None
    with _stop_request() as stop:
        while not trainer.is_done and not stop.is_asked:
            rate = trainer.learning_rate()
            lessons = trainer.step()
            if keeper is None:
                continue
            for reporter in reporters:
                reporter.step(trainer.n_steps_done, rate, lessons)
            if validator is not None and _is_due(trainer, settings.validate_every_n_steps):
                judged = validator.judge(trainer.average)
                keeper.judged(judged)
                for reporter in reporters:
                    reporter.validation(trainer.n_steps_done, judged)
            if _is_due(trainer, settings.save_every_n_steps) or stop.is_asked:
                keeper.save()
    return trainer.is_done


def _is_due(trainer: Trainer, every_n_steps: int) -> bool:
    return trainer.is_done or trainer.n_steps_done % every_n_steps == 0


class _Keeper:
    """Writes a run's weights and state."""

    def __init__(self, trainer: Trainer, folder: RunFolder, best_mean_iou: float) -> None:
        self._trainer = trainer
        self._folder = folder
        self._best_mean_iou = best_mean_iou

    def judged(self, validation: Validation) -> None:
        """Keep the weights if they are the best so far, and the sheet of predictions."""
        path = self._folder.grid(self._trainer.n_steps_done)
        path.parent.mkdir(parents=True, exist_ok=True)
        validation.sheet.save(path)
        if validation.mean_iou > self._best_mean_iou:
            self._best_mean_iou = validation.mean_iou
            save_weights(merge_lora(self._trainer.average), self._folder.best)

    def save(self) -> None:
        """Write the newest weights and the state."""
        save_weights(merge_lora(self._trainer.average), self._folder.last)
        save_atomically(self._trainer.state() | {"best_mean_iou": self._best_mean_iou}, self._folder.state)


class _StopRequest:
    is_asked = False


@contextmanager
def _stop_request() -> Iterator[_StopRequest]:
    """Turn the first Ctrl-C or SIGTERM into a request to stop after the step; the second one stops at once."""
    request = _StopRequest()

    def ask(number: int, frame: FrameType | None) -> None:
        if request.is_asked:
            raise KeyboardInterrupt
        request.is_asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
