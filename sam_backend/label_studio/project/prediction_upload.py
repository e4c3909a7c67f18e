"""Predictions, stored many at a time: one bad one doesn't spoil the others, and none is stored twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sam_backend.errors import StudioError, UnreachableError
from sam_backend.label_studio.passing import is_passing
from sam_backend.label_studio.project.prediction_mark import PredictionKind
from sam_backend.label_studio.project.studio_project import StudioProject
from sam_backend.label_studio.project.task_filter import TaskFilter
from sam_backend.label_studio.studio_api import Answer

BATCH_BYTES = 16_000_000
"""Of JSON in one request, unless a single prediction has more: a proxy may take no larger one."""

_SPOILED_BY_ONE = (400, 413, 422)
"""Statuses of a batch of which a part may be welcome: one prediction is refused, or they are too many bytes."""


@dataclass(frozen=True, slots=True)
class NewPrediction:
    """One task's prediction, and what it takes the place of."""

    task_id: int
    result: dict[str, Any]
    """As ``task_result`` makes it; without regions nothing is stored."""

    replaces: tuple[int, ...] = ()
    """Ids of stored predictions that go."""

    n_bytes: int = field(init=False)
    """Of its JSON."""

    def __post_init__(self) -> None:
        """Measure it."""
        object.__setattr__(self, "n_bytes", len(json.dumps(self.result)))

    @property
    def n_regions(self) -> int:
        """How many regions it has; one of two tags counts once."""
        return len({region["id"] for region in self.result["result"]})

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to store."""
        return self.n_regions == 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """A prediction that Label Studio doesn't take."""

    task_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class PredictionUpload:
    """Stores predictions of one kind in one project."""

    project: StudioProject
    kind: PredictionKind

    def upload(self, batch: Sequence[NewPrediction]) -> list[Refusal]:
        """Store a batch in one request; what is replaced goes just before, so that no task ever has two.

        Returns:
            What Label Studio doesn't take; all others are stored.

        Raises:
            StudioError: Label Studio refuses the request as such.
            ImageSourceError: it can't be reached, even after some tries.
        """
        for prediction in batch:
            for old in prediction.replaces:
                self._delete(old)
        return self._store([prediction for prediction in batch if not prediction.is_empty])

    def _delete(self, prediction_id: int) -> None:
        answer = self.project.line.ask_patiently("DELETE", f"/api/predictions/{prediction_id}/")
        if answer.status not in (200, 204, 404):  # 404: gone already
            raise StudioError(self.project.line.refusal(answer, f"the removal of prediction {prediction_id}"))

    def _store(self, batch: Sequence[NewPrediction]) -> list[Refusal]:
        answer, sent = self._send(batch)
        if answer is None:
            return []
        if answer.status in (200, 201):
            return self._passed_over(answer, sent)
        if answer.status not in _SPOILED_BY_ONE:
            raise StudioError(self.project.line.refusal(answer, "predictions"))
        if len(sent) == 1:
            return [Refusal(sent[0].task_id, f"Label Studio refuses it: {answer.text}")]
        middle = len(sent) // 2
        return self._store(sent[:middle]) + self._store(sent[middle:])

    def _send(self, batch: Sequence[NewPrediction]) -> tuple[Answer | None, Sequence[NewPrediction]]:
        """The answer to a request for those that weren't stored yet, and which these are; None if all were.

        A request without an answer may have done its work: what is stored by then isn't sent again.
        """
        for wait_s in self.project.line.waits_s:
            if not batch:
                return None, batch
            try:
                answer = self._post(batch)
            except UnreachableError:
                pass
            else:
                if not is_passing(answer.status):
                    return answer, batch
            self.project.line.sleep(wait_s)
            batch = self._not_stored(batch)
        return (self._post(batch), batch) if batch else (None, batch)

    def _post(self, batch: Sequence[NewPrediction]) -> Answer:
        body = [{"task": prediction.task_id, **prediction.result} for prediction in batch]
        return self.project.line.ask_once("POST", f"/api/projects/{self.project.id}/import/predictions", body)

    def _passed_over(self, answer: Answer, sent: Sequence[NewPrediction]) -> list[Refusal]:
        """Label Studio skips what it finds invalid and says only how many it took."""
        created = answer.body.get("created") if isinstance(answer.body, dict) else None
        if created == len(sent):
            return []
        reason = "Label Studio finds it invalid and says why in its log only"
        return [Refusal(prediction.task_id, reason) for prediction in self._not_stored(sent)]

    def _not_stored(self, batch: Sequence[NewPrediction]) -> list[NewPrediction]:
        """Those whose tasks are there and have no prediction of this kind."""
        first = min(prediction.task_id for prediction in batch)
        last = max(prediction.task_id for prediction in batch)
        without: set[int] = set()
        for task in self.project.tasks(TaskFilter(without_version=self.kind.mark, after_id=first - 1)):
            if task.id is None or task.id > last:
                break
            without.add(task.id)
        return [prediction for prediction in batch if prediction.task_id in without]


def in_batches(
    predictions: Iterable[NewPrediction], n_most: int, bytes_most: int = BATCH_BYTES
) -> Iterator[list[NewPrediction]]:
    """Gather predictions until there are ``n_most``, or one more would make them too large for a request."""
    batch: list[NewPrediction] = []
    for prediction in predictions:
        n_bytes = sum(one.n_bytes for one in batch) + prediction.n_bytes
        if batch and (len(batch) == n_most or n_bytes > bytes_most):
            yield batch
            batch = []
        batch.append(prediction)
    if batch:
        yield batch
