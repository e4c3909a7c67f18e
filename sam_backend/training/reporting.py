"""How a run goes, for people: a progress bar with the time left, and TensorBoard."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from sam_backend.errors import DatasetError
from sam_backend.training.rounds import LessonReport
from sam_backend.training.validation import Validation

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

RECENT_LESSONS = 200
"""The bar shows means over this many pictures; a single one says little."""


class ProgressBar:
    """Steps done, time left, and the means of the last lessons."""

    def __init__(self, n_steps: int) -> None:
        self._bar = tqdm(total=n_steps, unit="step", mininterval=1, dynamic_ncols=True)
        self._recent: deque[LessonReport] = deque(maxlen=RECENT_LESSONS)

    def step(self, n_steps_done: int, learning_rate: float, lessons: Sequence[LessonReport]) -> None:
        """Move the bar."""
        if self._bar.n == 0:  # a resumed run begins later, and its earlier steps took none of this time
            self._bar.initial = self._bar.n = n_steps_done - 1
        self._recent.extend(lessons)
        loss, first, last = _means(self._recent)
        self._bar.set_postfix_str(f"loss {loss:.3f}, mIoU first {first:.3f} last {last:.3f}", refresh=False)
        self._bar.update(n_steps_done - self._bar.n)

    @property
    def n_steps_shown(self) -> tuple[int, int]:
        """Where this part of the run began, and where it is."""
        return int(self._bar.initial), int(self._bar.n)

    def validation(self, n_steps_done: int, validation: Validation) -> None:
        """Write a line above the bar."""
        self._bar.write(f"step {n_steps_done}: {validation}")

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()


class TensorBoard:
    """Curves and sheets of predictions for TensorBoard."""

    def __init__(self, folder: Path) -> None:
        """Open the log.

        Args:
            folder: for its files.

        Raises:
            DatasetError: TensorBoard isn't installed.
        """
        self._writer = _open_writer(folder)

    def step(self, n_steps_done: int, learning_rate: float, lessons: Sequence[LessonReport]) -> None:
        """Add a point to each curve."""
        loss, first, last = _means(lessons)
        self._writer.add_scalar("train/loss", loss, n_steps_done)
        self._writer.add_scalar("train/mean IoU, first prompt", first, n_steps_done)
        self._writer.add_scalar("train/mean IoU, last prompt", last, n_steps_done)
        self._writer.add_scalar("train/learning rate", learning_rate, n_steps_done)

    def validation(self, n_steps_done: int, validation: Validation) -> None:
        """Add the figures and the sheet."""
        self._writer.add_scalar("held out/mean IoU, box", validation.box_iou, n_steps_done)
        self._writer.add_scalar("held out/mean IoU, click", validation.click_iou, n_steps_done)
        self._writer.add_image("held out/predictions", np.asarray(validation.sheet), n_steps_done, dataformats="HWC")

    def close(self) -> None:
        """Write what is pending."""
        self._writer.close()


def _open_writer(folder: Path) -> SummaryWriter:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise DatasetError("TensorBoard isn't installed: pip install tensorboard, or leave out --tensorboard") from None
    return SummaryWriter(str(folder))


def _means(lessons: Sequence[LessonReport] | deque[LessonReport]) -> tuple[float, float, float]:
    loss, first, last = np.mean([(one.loss, one.first_iou, one.last_iou) for one in lessons], axis=0).tolist()
    return loss, first, last
