"""One project of a Label Studio: what it is about, and its tasks, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sam_backend.errors import RequestError, StudioError
from sam_backend.label_studio.labeling_config import LabelingConfig, parse_labeling_config
from sam_backend.label_studio.project.studio_line import StudioLine
from sam_backend.label_studio.project.task_filter import ALL_TASKS, TaskFilter
from sam_backend.label_studio.request import Task, parse_task
from sam_backend.label_studio.studio_api import AnswerTooLargeError

PAGE_SIZE = 100
"""Tasks without their regions: some kilobytes each."""

REGIONS_PAGE_SIZE = 10
"""Tasks with their regions: a mask of a large picture has hundreds of kilobytes."""


@dataclass(frozen=True, slots=True)
class ProjectAbout:
    """What is said of the project itself."""

    title: str
    config_xml: str
    """Its labeling config as text."""

    config: LabelingConfig
    n_tasks: int
    model_version: str | None
    """Which predictions people are shown first: a model version, or the title of a connected model."""

    shows_predictions: bool
    """Whether a new annotation begins as the prediction."""


@dataclass(frozen=True, slots=True)
class StudioProject:
    """Reads one project. Nothing here is kept, so memory holds a page of tasks at most."""

    line: StudioLine
    id: int

    def about(self) -> ProjectAbout:
        """Ask for the project itself.

        Raises:
            StudioError: there is no such project for this user.
            RequestError: its labeling config can't be read.
            ImageSourceError: Label Studio can't be reached.
        """
        body = self.line.get_object(f"/api/projects/{self.id}/", f"project {self.id}")
        xml = body.get("label_config")
        config_xml = xml if isinstance(xml, str) else ""
        n_tasks, version = body.get("task_number"), body.get("model_version")
        return ProjectAbout(
            title=str(body.get("title", "")),
            config_xml=config_xml,
            config=parse_labeling_config(config_xml),
            n_tasks=n_tasks if isinstance(n_tasks, int) else 0,
            model_version=version if isinstance(version, str) and version else None,
            shows_predictions=body.get("show_collab_predictions") is True,
        )

    def count(self, which: TaskFilter = ALL_TASKS) -> int:
        """How many tasks fulfil the conditions now.

        Raises:
            StudioError: Label Studio refuses, or answers something else.
            ImageSourceError: it can't be reached.
        """
        _, n_tasks = self._page(which, 1, with_regions=False)
        return n_tasks

    def tasks(self, which: TaskFilter = ALL_TASKS, *, with_regions: bool = False) -> Iterator[Task]:
        """Walk through tasks in the order of their ids, page by page.

        Each page begins after the last id of the one before, so that none comes twice and none is missed, whatever is
        deleted, added, annotated or predicted meanwhile.

        Args:
            which: conditions.
            with_regions: whether annotations, predictions and the asking user's drafts come along.

        Raises:
            StudioError: Label Studio refuses, or answers something else.
            ImageSourceError: it can't be reached.
        """
        page_size = REGIONS_PAGE_SIZE if with_regions else PAGE_SIZE
        while True:
            try:
                tasks, n_left = self._page(which, page_size, with_regions=with_regions)
            except AnswerTooLargeError:
                if page_size == 1:
                    raise
                page_size = max(1, page_size // 2)
                continue
            yield from tasks
            if not tasks or n_left <= len(tasks):
                return
            which = which.after(_id_of(tasks[-1]))

    def annotated_tasks(self) -> Iterator[Task]:
        """All tasks that somebody has submitted an annotation for, with their annotations.

        Raises:
            StudioError: Label Studio refuses, or answers something else.
            ImageSourceError: it can't be reached.
        """
        return self.tasks(TaskFilter(is_annotated=True), with_regions=True)

    def task(self, task_id: int) -> Task | None:
        """One task with its regions; None if the project has none of this id. Unlike opening it, asks no model.

        Raises:
            StudioError: Label Studio refuses, or answers something else.
            ImageSourceError: it can't be reached.
        """
        return next(self.tasks(TaskFilter(only_id=task_id), with_regions=True), None)

    def _page(self, which: TaskFilter, page_size: int, *, with_regions: bool) -> tuple[list[Task], int]:
        """A page, and how many tasks there are in it and after it."""
        path = which.path(self.id, page_size, with_regions=with_regions)
        body = self.line.get_object(path, f"tasks of project {self.id}")
        rows, n_tasks = body.get("tasks"), body.get("total")
        if not isinstance(rows, list) or not isinstance(n_tasks, int):
            raise StudioError(
                f"{self.line.host.url} lists the tasks of project {self.id} in an unknown form: "
                "check that it is a Label Studio of 1.20 or later"
            )
        return sorted((_task(row) for row in rows), key=_id_of), n_tasks


def _task(row: Any) -> Task:  # noqa: ANN401 - JSON
    try:
        task = parse_task(row)
    except RequestError as error:
        raise StudioError(f"Label Studio lists a task that can't be read ({error})") from None
    if task.id is None:
        raise StudioError("Label Studio lists a task without an id: check that it is a Label Studio of 1.20 or later")
    return task


def _id_of(task: Task) -> int:
    return task.id or 0
