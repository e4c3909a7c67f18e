"""Predictions for all tasks of a project, made one by one and stored in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sam_backend.errors import ImageError, ImageSourceError, RequestError
from sam_backend.label_studio.project.preannotation import RegionMaker
from sam_backend.label_studio.project.prediction_mark import PredictionKind
from sam_backend.label_studio.project.prediction_upload import NewPrediction, PredictionUpload, in_batches
from sam_backend.label_studio.project.studio_project import StudioProject
from sam_backend.label_studio.project.task_filter import TaskFilter
from sam_backend.label_studio.request import Task
from sam_backend.label_studio.response import task_result


@dataclass(slots=True)
class Tally:
    """What became of the tasks that were looked at."""

    n_stored: int = 0
    """Predictions."""

    n_regions: int = 0
    """In them."""

    n_empty: int = 0
    """Tasks without anything to predict."""

    n_failed: int = 0
    """Tasks whose pictures can't be used, and predictions that Label Studio doesn't take."""


@dataclass(frozen=True, slots=True)
class Preannotating:
    """Goes through a project. What is stored stays stored when it ends early, and is passed over the next time."""

    project: StudioProject
    kind: PredictionKind
    maker: RegionMaker
    version: Callable[[], str]
    """Of the model."""

    overwrites: bool
    """Whether predictions of this kind, by whatever version of the model, are replaced; otherwise their tasks are
    passed over."""

    only_unlabeled: bool
    """Whether tasks with a submitted annotation are passed over."""

    min_score: float
    """Regions with a lower score aren't stored."""

    batch_size: int
    on_task: Callable[[], None]
    """Called after each task that was looked at."""

    on_failure: Callable[[int | None, str], None]
    """Told of each task that failed, and why."""

    tally: Tally = field(default_factory=Tally)

    @property
    def wanted(self) -> TaskFilter:
        """Which tasks are looked at."""
        return TaskFilter(
            is_annotated=False if self.only_unlabeled else None,
            without_version=None if self.overwrites else self.kind.mark,
        )

    def run(self) -> None:
        """Make and store predictions; what was made by then is stored too when Ctrl-C ends it.

        Raises:
            StudioError: Label Studio refuses to be read or written.
            ImageSourceError: it can't be reached.
            KeyboardInterrupt: somebody pressed Ctrl-C.
        """
        upload = PredictionUpload(self.project, self.kind)
        interrupts: list[KeyboardInterrupt] = []
        for batch in in_batches(self._made(interrupts), self.batch_size):
            refusals = upload.upload(batch)
            stored = {prediction.task_id for prediction in batch if not prediction.is_empty}
            for refusal in refusals:
                self._fail(refusal.task_id, refusal.reason)
                stored.discard(refusal.task_id)
            self.tally.n_stored += len(stored)
            self.tally.n_regions += sum(one.n_regions for one in batch if one.task_id in stored)
        if interrupts:
            raise interrupts[0]

    def _made(self, interrupts: list[KeyboardInterrupt]) -> Iterator[NewPrediction]:
        needs_regions = self.overwrites or self.kind is PredictionKind.BOXES
        tasks = self.project.tasks(self.wanted, with_regions=needs_regions)
        try:
            for task in tasks:
                prediction = self._make(task)
                self.on_task()
                if prediction is not None:
                    yield prediction
        except KeyboardInterrupt as interrupt:
            interrupts.append(interrupt)

    def _make(self, task: Task) -> NewPrediction | None:
        """None if nothing changes for the task."""
        try:
            regions = self.maker.regions(task)
        except (ImageError, ImageSourceError, RequestError) as error:
            self._fail(task.id, str(error))
            return None
        sure = [region for region in regions if region["score"] >= self.min_score]
        replaces = tuple(int(one["id"]) for one in task.predictions if self.kind.is_of(one))
        if not sure:
            self.tally.n_empty += 1
        if task.id is None or not (sure or replaces):
            return None
        return NewPrediction(task.id, task_result(sure, self.kind.marked(self.version())), replaces)

    def _fail(self, task_id: int | None, reason: str) -> None:
        self.tally.n_failed += 1
        self.on_failure(task_id, reason)
