"""One training on a project's annotations, from its tasks to a version that is in force or says why not."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from sam_backend.errors import CheckpointError, DatasetError, ImageError, ImageSourceError, StorageError
from sam_backend.model.checkpoint import checkpoint_version, load_network
from sam_backend.predict.predictor import Predictor, find_device, load_sam
from sam_backend.service.versions.book import VersionBook
from sam_backend.service.versions.version import Counts, Progress, Version
from sam_backend.training.data.stored import SkippedItems
from sam_backend.training.embedding_store import EmbeddingStore
from sam_backend.training.files import save_atomically, save_text
from sam_backend.training.project.judging import Figures, HeldOutObjects
from sam_backend.training.project.kept_lessons import KeptLessons
from sam_backend.training.project.tasks import AnnotatedPicture, TaskSplit, read_annotated, split_tasks
from sam_backend.training.project.tuning import PROJECT_TUNING, TuningProgress, packed_weights, tune_decoder

LEAST_OBJECTS = 4
"""To learn from."""

LEAST_HELD_OUT_OBJECTS = 2
"""To judge by. More are better: a mean over a handful of objects is moved by each."""

_WRITE_EVERY_S = 1.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a training is told."""

    project: int
    model: str
    """The settings' own: a name or a path."""

    device: str = "auto"
    minutes: float = 10
    """That the weights move at most; fetching, encoding and judging come on top."""

    n_steps: int = 400
    held_out_share: float = 0.2
    promotes: bool = True
    """Whether a version that is no worse is put in force."""

    max_pixels: int = 80_000_000


class AnnotatedProject(Protocol):
    """Where a project's annotations come from."""

    def pictures(self, skipped: SkippedItems) -> Iterable[AnnotatedPicture]:
        """Every annotated picture, one after the other: all masks of a large project don't fit in memory."""
        ...

    def fetch(self, uri: str, task: int) -> bytes:
        """The file of a picture."""
        ...


class ProjectTraining:
    """Works on one version; whoever made it holds the `training_lock`."""

    def __init__(self, book: VersionBook, version: Version, plan: Plan, say: Say = print) -> None:
        """Get ready; nothing is read yet.

        Args:
            book: holds the version.
            version: just begun.
            plan: what to do.
            say: takes lines for the log.
        """
        self._book = book
        self._version = version
        self._plan = plan
        self._say = say
        self._written_s = 0.0

    def run(self, project: AnnotatedProject) -> Version:
        """Learn, judge, decide.

        Returns:
            The version as it ended: ready or refused.

        Raises:
            SamBackendError: of the kind that says why nothing came of it.
        """
        parent = self._parent()
        self._note(base=checkpoint_version(self._plan.model), parent=checkpoint_version(parent))
        skipped = SkippedItems()
        self._show("reading the project")
        tasks = [picture.task for picture in project.pictures(skipped)]
        split = split_tasks(tasks, self._plan.held_out_share)
        network = load_network(parent).to(find_device(self._plan.device))
        network.image_encoder.requires_grad_(False)
        store = EmbeddingStore(self._book.features, network, str(self._version.base))
        lessons, held_out = KeptLessons(store, PROJECT_TUNING.windows[0].max_masks), HeldOutObjects(store)
        self._read(project, len(tasks), split, skipped, lessons, held_out)
        old = held_out.judge(self._predictor(parent), self._judging("judging the old model"))
        settings = PROJECT_TUNING.with_steps(self._plan.n_steps)
        name = self._version.name
        save_text(settings.to_json(), self._book.folder_of(name) / "settings.json")
        tuned = tune_decoder(network, lessons, settings, 60 * self._plan.minutes, self._learning)
        save_atomically(packed_weights(tuned), self._book.weights(name))
        new = held_out.judge(self._predictor(str(self._book.weights(name))), self._judging("judging the new model"))
        return self._decide(parent, old, new)

    def _parent(self) -> str:
        """What to load and go on from: the model that answers, as `InForce` chooses it."""
        name, own = self._book.in_force(), self._plan.model
        if name is None:
            return own
        try:
            version, weights = self._book.read(name), str(self._book.weights(name))
            is_fit = version.base == checkpoint_version(own) and version.model_version == checkpoint_version(weights)
        except (StorageError, CheckpointError):
            return own
        return weights if is_fit else own

    def _read(
        self,
        project: AnnotatedProject,
        n_pictures: int,
        split: TaskSplit,
        skipped: SkippedItems,
        lessons: KeptLessons,
        held_out: HeldOutObjects,
    ) -> None:
        n_objects: Counter[bool] = Counter()
        tasks: dict[bool, set[int]] = {True: set(), False: set()}
        for n_done, picture in enumerate(project.pictures(skipped)):
            self._show("encoding pictures", n_done, n_pictures)
            is_held_out = picture.task in split.held_out
            if not is_held_out and picture.task not in split.training:
                continue  # annotated a moment ago
            try:
                labelled = read_annotated(picture, project.fetch, self._plan.max_pixels, skipped)
                n_seen = (held_out if is_held_out else lessons).add(labelled)
            except (ImageSourceError, ImageError, DatasetError) as error:
                skipped.add(picture.name, error)
                continue
            n_objects[is_held_out] += n_seen
            if n_seen:
                tasks[is_held_out].add(picture.task)
        counts = Counts(len(tasks[False]), n_objects[False], len(tasks[True]), n_objects[True])
        self._note(counts=counts)
        self._say(
            f"{counts.objects} objects of {counts.tasks} tasks to learn from, {counts.held_out_objects} objects "
            f"of {counts.held_out_tasks} tasks held out; {len(skipped)} left out"
        )
        _check_enough(counts, skipped)

    def _predictor(self, path_or_name: str) -> Predictor:
        predictor = load_sam(path_or_name, device=self._plan.device)
        return dataclasses.replace(predictor, encoder_version=str(self._version.base))

    def _decide(self, parent: str, old: Figures, new: Figures) -> Version:
        name = self._version.name
        self._note(old=old, new=new, model_version=checkpoint_version(str(self._book.weights(name))))
        self._say(f"mean IoU on the held-out objects: before {old}, after {new}")
        if new.mean < old.mean:
            worse = f"worse on the held-out objects: mean IoU {new.mean:.3f}, before {old.mean:.3f}"
            return self._book.end(self._version, "refused", worse)
        if not self._plan.promotes:
            return self._book.end(self._version, "ready", "it was only to be trained (--no-promote)")
        if self._parent() != parent:
            return self._book.end(self._version, "ready", "meanwhile somebody put another version in force")
        ready = self._book.end(self._version, "ready")
        self._book.use(name)
        return ready

    def _learning(self, progress: TuningProgress) -> None:
        if progress.n_steps_done in (1, progress.n_steps) or progress.n_steps_done % 20 == 0:
            self._say(f"step {progress.n_steps_done} of {progress.n_steps}: loss {progress.loss:.3f}")
        self._show("learning", progress.n_steps_done, progress.n_steps, progress.seconds_left)

    def _judging(self, doing: str) -> Callable[[int, int], None]:
        return lambda n_done, n_all: self._show(doing, n_done, n_all)

    def _show(self, doing: str, n_done: int = 0, n_all: int = 0, seconds_left: float | None = None) -> None:
        """Let the status page know, at most once a second but for a new stage."""
        shown = self._version.progress
        now_s = time.monotonic()
        if shown is not None and shown.doing == doing and now_s - self._written_s < _WRITE_EVERY_S:
            return
        if shown is None or shown.doing != doing:
            self._say(doing)
        self._written_s = now_s
        self._note(progress=Progress(doing, n_done, n_all, None if seconds_left is None else round(seconds_left)))

    def _note(self, **known: object) -> None:
        self._version = dataclasses.replace(self._version, **known)  # type: ignore[arg-type]
        self._book.write(self._version)

    def gave_up(self, state: Literal["failed", "stopped"], reason: str) -> Version:
        """Put down that nothing came of it; its folder keeps the record and the log alone."""
        name = self._version.name
        self._book.weights(name).unlink(missing_ok=True)
        ended = dataclasses.replace(self._version, model_version=None)
        return self._book.end(ended, state, reason)


def _check_enough(counts: Counts, skipped: SkippedItems) -> None:
    if counts.objects >= LEAST_OBJECTS and counts.held_out_objects >= LEAST_HELD_OUT_OBJECTS:
        return
    item, reason = next(iter(skipped.reasons.items()), ("", ""))
    left_out = f" ({len(skipped)} left out, {item}: {reason})" if skipped else ""
    raise DatasetError(
        f"{counts.objects} objects to learn from and {counts.held_out_objects} held out to judge by{left_out}: at "
        f"least {LEAST_OBJECTS} and {LEAST_HELD_OUT_OBJECTS} are needed; draw objects in more tasks and submit"
    )
