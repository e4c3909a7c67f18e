"""What the rest of the service sees of versions: their names, a way to start a training, two sections to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sam_backend.service.status_report import Facts, Section
from sam_backend.service.versions.background import start_training
from sam_backend.service.versions.book import VersionBook
from sam_backend.service.versions.in_force import InForce
from sam_backend.service.versions.version import Version
from sam_backend.settings import Settings

_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Learning:
    """Built once, used by many threads."""

    book: VersionBook
    settings: Settings
    in_force: InForce

    @classmethod
    def of(cls, settings: Settings) -> Learning:
        """Build it over the data folder of the settings; nothing is made before something is written."""
        book = VersionBook(settings.data_folder / "versions")
        return cls(book, settings, InForce(book, settings))

    def on_start_training(self, project_id: int) -> None:
        """Begin a training on a project's annotations, in a process of its own; returns within milliseconds.

        Raises:
            SettingsError: the address or the token of Label Studio is lacking.
            TrainingUnderWayError: another training has to end first.
            StorageError: nothing can be kept, or no process started.
        """
        start_training(self.book, self.settings, project_id)

    def model_versions(self, answering: str) -> list[str]:
        """All that may be used, the one that answers first."""
        ready = [version for version in self.book.all() if version.state == "ready" and version.has_weights]
        bases = [version.base for version in ready if version.base is not None]
        names = [answering, *(str(version.model_version) for version in ready), *bases]
        return list(dict.fromkeys(names))

    def sections(self) -> tuple[Section, Section]:
        """For the status page."""
        return Section("Model versions", self._versions), Section("Training", self._training)

    def _versions(self) -> Facts:
        facts: dict[str, str | int | float | None] = {"in force": self.book.in_force() or "the model of the settings"}
        if self.in_force.problem is not None:
            facts["problem"] = self.in_force.problem
        for version in [one for one in self.book.all() if one.has_weights][:_MOST_SHOWN]:
            facts[version.name] = outcome(version)
        return facts

    def _training(self) -> Facts:
        versions = self.book.all()
        if not versions:
            return {"state": "none yet: Start Training in Label Studio, or `python -m sam_backend train --project N`"}
        return _facts_of(versions[0])


def outcome(version: Version) -> str:
    """What came of a version, in a few words."""
    if version.old is None or version.new is None:
        return version.state
    return f"{version.state}: mean IoU {version.new.mean:.3f}, before {version.old.mean:.3f}"


def _facts_of(version: Version) -> Facts:
    facts: dict[str, str | int | float | None] = {"version": version.name, "state": version.state}
    progress = version.progress
    if version.state == "training" and progress is not None:
        facts["doing"] = progress.doing
        if progress.n_all:
            facts["step"] = f"{progress.n_done} of {progress.n_all}"
        if progress.seconds_left is not None:
            facts["time left"] = f"{progress.seconds_left / 60:.1f} min"
    if version.counts.objects:
        facts["learnt from"] = f"{version.counts.objects} objects of {version.counts.tasks} tasks"
        facts["held out"] = f"{version.counts.held_out_objects} objects of {version.counts.held_out_tasks} tasks"
    readers: dict[str, Callable[[], object]] = {
        "before": lambda: version.old,
        "after": lambda: version.new,
        "reason": lambda: version.reason,
    }
    facts |= {name: str(value) for name, read in readers.items() if (value := read()) is not None}
    return facts | {"begun": version.begun_at}
