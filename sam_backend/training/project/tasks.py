"""The annotated tasks of a project as labelled pictures, and which of them are held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sam_backend.errors import DatasetError, RequestError
from sam_backend.label_studio.labeling_config import LabelingConfig
from sam_backend.label_studio.request import Task
from sam_backend.predict.picture import decode_picture
from sam_backend.training.data.label_studio_export import annotated_regions
from sam_backend.training.data.label_studio_regions import region_masks
from sam_backend.training.data.stored import SkippedItems
from sam_backend.training.data.subset import place_of_name
from sam_backend.training.sample import LabelledPicture

LEAST_TASKS = 2
"""One to learn from and one to judge by."""

FetchPicture = Callable[[str, int], bytes]
"""From an address in a task's data, and the task's id, to the bytes of the picture's file."""


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedPicture:
    """One picture of a task with what was drawn on it."""

    task: int
    uri: str
    regions: tuple[Mapping[str, Any], ...]
    """As Label Studio stores them, of the one annotation that counts."""

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return f"task {self.task}"


def annotated_pictures(
    tasks: Iterable[Task], config: LabelingConfig, skipped: SkippedItems
) -> Iterator[AnnotatedPicture]:
    """The pictures of all tasks on which something with a mask was drawn.

    Of several annotations of a task one counts: the ground truth if one is marked so, else the one changed last.
    Cancelled ones never count.

    Args:
        tasks: with their annotations.
        config: of the project; says where a task has the picture that a region lies on.
        skipped: takes the names of damaged tasks.
    """
    for task in tasks:
        if task.id is None:
            continue
        try:
            yield from _of_task(task, task.id, config)
        except (DatasetError, RequestError) as error:
            skipped.add(f"task {task.id}", error)


def read_annotated(
    picture: AnnotatedPicture, fetch: FetchPicture, max_pixels: int, skipped: SkippedItems
) -> LabelledPicture:
    """Fetch a picture and decode its masks; damaged regions are named in ``skipped``.

    Raises:
        ImageSourceError: it can't be fetched.
        ImageError: it is no picture, or too large.
    """
    image = decode_picture(fetch(picture.uri, picture.task), name=picture.name, max_pixels=max_pixels)
    masks = region_masks(picture.regions, picture.name, (image.shape[0], image.shape[1]), skipped)
    return LabelledPicture(image=image, masks=masks)


@dataclass(frozen=True, slots=True)
class TaskSplit:
    """Ids of tasks."""

    training: frozenset[int]
    held_out: frozenset[int]


def split_tasks(tasks: Iterable[int], held_out_share: float) -> TaskSplit:
    """Hold out tasks by a hash of their ids: a task stays on its side whatever others come.

    Where the hashes leave a side empty, as they may with few tasks, the task next to it is taken over.

    Args:
        tasks: their ids.
        held_out_share: of them, on average; above 0 and below 1.

    Raises:
        DatasetError: there are fewer than `LEAST_TASKS`, or the share makes no sense.
    """
    if not 0 < held_out_share < 1:
        raise DatasetError(
            f"the share of tasks to hold out lies between 0 and 1, got {held_out_share:g}: give e.g. 0.2"
        )
    ordered = sorted(set(tasks), key=lambda task: place_of_name(str(task)))
    if len(ordered) < LEAST_TASKS:
        found = f"{len(ordered)} annotated task{'' if len(ordered) == 1 else 's'}"
        raise DatasetError(
            f"{found}: at least {LEAST_TASKS} are needed, one to learn from and one to judge by; "
            "draw objects (brush, polygon or bitmask) in more of them and submit"
        )
    n_below = sum(place_of_name(str(task)) < held_out_share for task in ordered)
    n_held_out = min(max(1, n_below), len(ordered) - 1)
    return TaskSplit(training=frozenset(ordered[n_held_out:]), held_out=frozenset(ordered[:n_held_out]))


def _of_task(task: Task, task_id: int, config: LabelingConfig) -> list[AnnotatedPicture]:
    by_uri: dict[str, list[Mapping[str, Any]]] = {}
    for region in annotated_regions({"annotations": list(task.annotations)}) or ():
        data_key = config.data_key(str(region.get("to_name"))) if isinstance(region, Mapping) else None
        if isinstance(region, Mapping) and data_key is not None and _has_mask(region):
            by_uri.setdefault(task.picture_uri(data_key, region.get("item_index")), []).append(region)
    return [AnnotatedPicture(task_id, uri, tuple(regions)) for uri, regions in by_uri.items()]


def _has_mask(region: Mapping[str, Any]) -> bool:
    value = region.get("value")
    return isinstance(value, Mapping) and not {"rle", "imageDataURL", "points"}.isdisjoint(value)
