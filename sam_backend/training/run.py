"""A run: the trainer's steps with everything a person wants of them: files, reports, judgement, a way to stop."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

from sam_backend.errors import SettingsError
from sam_backend.training.files import check_same, load_state, save_atomically, save_text, save_weights
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
    def origin(self) -> Path:
        """What the run began with besides its settings, as JSON. Runs of earlier versions have none."""
        return self.folder / "origin.json"

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

    def require_new(self) -> None:
        """Refuse to begin where another run has left what would be overwritten.

        Raises:
            SettingsError: there is a state, or there are weights.
        """
        left = next((path for path in (self.state, self.last, self.best) if path.exists()), None)
        if left is not None:
            resume = "add --resume to go on with it, or " if left == self.state else ""
            raise SettingsError(f"{self.folder} holds {left.name} of another run: {resume}choose another folder")


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended."""

    is_done: bool
    """Whether it came to the end of its settings; else somebody asked to stop."""

    has_best: bool
    """Whether it was ever judged, so that the folder's `RunFolder.best` is its own. The first process knows."""


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
    origin_json: str | None = None,
    resumes: bool = False,
    processes: Processes | None = None,
) -> RunEnd:
    """Train to the end of the settings, or until someone asks to stop (Ctrl-C, SIGTERM): then the state is saved.

    Args:
        trainer: new; with ``resumes`` it goes on from the folder's state.
        settings: the trainer's own, written beside the weights.
        folder: where files go. Only the first process writes.
        reporters: told of every step and judgement, in the first process.
        validator: judges the weights every so often; the best are kept.
        origin_json: what else has to be the same for the run to be resumed, such as its data: a table.
        resumes: whether to go on with what the folder holds.
        processes: those that share the steps.

    Returns:
        How it ended.

    Raises:
        SettingsError: the folder holds another run, and it isn't to be resumed.
        CheckpointError: there is no state or record to resume from, or it is damaged or another network's.
        StorageError: the folder can't be made.
        DatasetError: the folder's run had other settings or another origin, or a source ran dry.
    """
    writes = (processes or Processes()).is_first
    records = {folder.settings: settings.to_json()} | ({folder.origin: origin_json} if origin_json else {})
    if resumes:
        state = _resume(trainer, folder, records)
    else:
        folder.require_new()
        state = {}
        for path, text in records.items() if writes else ():
            save_text(text, path)
    keeper = _Keeper(trainer, settings, folder, reporters, validator, state) if writes else None
    with _stop_request() as stop:
        if keeper is not None:
            keeper.judge_if_due()
        while not trainer.is_done and not stop.is_asked:
            rate = trainer.learning_rate()
            lessons = trainer.step()
            if keeper is not None:
                keeper.stepped(rate, lessons)
        if keeper is not None:
            keeper.save_if_new()
    return RunEnd(trainer.is_done, has_best=keeper is not None and keeper.has_best)


def _resume(trainer: Trainer, folder: RunFolder, records: Mapping[Path, str]) -> dict[str, object]:
    state = load_state(folder.state)
    for path, text in records.items():
        if path != folder.origin or path.exists():
            check_same(text, path)
    trainer.resume(state)
    return state


class _Keeper:
    """Tells how a run goes, has it judged, and writes its weights and state."""

    def __init__(
        self,
        trainer: Trainer,
        settings: TrainingSettings,
        folder: RunFolder,
        reporters: Sequence[Reporter],
        validator: Validator | None,
        state: dict[str, object],
    ) -> None:
        self._trainer = trainer
        self._settings = settings
        self._folder = folder
        self._reporters = reporters
        self._validator = validator
        self._best_mean_iou = float(str(state.get("best_mean_iou", -1.0)))
        # A state of an earlier version was written after its judgement, and doesn't say so.
        self._n_steps_judged = int(str(state.get("n_steps_judged", trainer.n_steps_done)))
        self._is_new = False

    @property
    def has_best(self) -> bool:
        """Whether the best weights of the folder are this run's."""
        return self._best_mean_iou >= 0 and self._folder.best.exists()

    def stepped(self, learning_rate: float, lessons: Sequence[LessonReport]) -> None:
        """Report a step, and save and judge where it is time."""
        self._is_new = True
        for reporter in self._reporters:
            reporter.step(self._trainer.n_steps_done, learning_rate, lessons)
        # Saved first: neither a judgement that fails nor an end in the midst of it costs what was learnt.
        if self._owes_judgement() or self._is_due(self._settings.save_every_n_steps):
            self.save_if_new()
        self.judge_if_due()

    def judge_if_due(self) -> None:
        """Have the weights judged, unless these were; keep them if they are the best so far."""
        if self._validator is None or not self._owes_judgement():
            return
        judged = self._validator.judge(self._trainer.average)
        self._n_steps_judged = self._trainer.n_steps_done
        self._is_new = True
        self._keep_if_best(judged)
        for reporter in self._reporters:
            reporter.validation(self._trainer.n_steps_done, judged)

    def save_if_new(self) -> None:
        """Write the newest weights and the state, unless they were."""
        if not self._is_new:
            return
        known = {"best_mean_iou": self._best_mean_iou, "n_steps_judged": self._n_steps_judged}
        save_weights(merge_lora(self._trainer.average), self._folder.last)
        save_atomically(self._trainer.state() | known, self._folder.state)
        self._is_new = False

    def _keep_if_best(self, judged: Validation) -> None:
        path = self._folder.grid(self._trainer.n_steps_done)
        path.parent.mkdir(parents=True, exist_ok=True)
        judged.sheet.save(path)
        if judged.mean_iou > self._best_mean_iou:
            self._best_mean_iou = judged.mean_iou
            save_weights(merge_lora(self._trainer.average), self._folder.best)

    def _owes_judgement(self) -> bool:
        is_judged = self._n_steps_judged == self._trainer.n_steps_done
        return self._validator is not None and not is_judged and self._is_due(self._settings.validate_every_n_steps)

    def _is_due(self, every_n_steps: int) -> bool:
        return self._trainer.is_done or self._trainer.n_steps_done % every_n_steps == 0


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
