from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.errors import DatasetError
from sam_backend.label_studio.labeling_config import parse_labeling_config
from sam_backend.label_studio.request import Task
from sam_backend.training.data.stored import SkippedItems
from sam_backend.training.project.tasks import annotated_pictures, split_tasks

CONFIG = parse_labeling_config(
    '<View><PolygonLabels name="shape" toName="left,right"><Label value="A"/></PolygonLabels>'
    '<Image name="left" value="$one"/><Image name="right" value="$other"/></View>'
)


def _region(region_id: str, to_name: str = "left", **value: object) -> dict[str, Any]:
    return {"id": region_id, "to_name": to_name, "value": value or {"points": [[0, 0], [9, 0], [9, 9]]}}


def _task(*regions: object, task_id: int | None = 1, **annotation: object) -> Task:
    data = {"one": "/data/upload/1.png", "other": "/data/upload/2.png"}
    return Task(task_id, data, annotations=({"result": list(regions), **annotation},))


def test_each_picture_of_a_task_has_its_own_regions() -> None:
    task = _task(_region("a"), _region("b", "right"), _region("c"), _region("d", "nowhere"))
    found = list(annotated_pictures([task], CONFIG, SkippedItems()))
    shown = {one.uri: [region["id"] for region in one.regions] for one in found}
    assert shown == {"/data/upload/1.png": ["a", "c"], "/data/upload/2.png": ["b"]}
    assert {one.name for one in found} == {"task 1"}


@pytest.mark.parametrize(
    "task",
    [
        Task(1, {"one": "a.png"}),
        _task(_region("a", x=1, y=2, width=3)),
        _task(_region("a"), was_cancelled=True),
        _task("no region", {"id": "b", "value": None}, {"value": {"rle": []}}),
        _task(_region("a"), task_id=None),
    ],
    ids=["not annotated", "a click", "cancelled", "damaged", "no id"],
)
def test_tasks_without_masks_give_nothing(task: Task) -> None:
    skipped = SkippedItems()
    assert list(annotated_pictures([task], CONFIG, skipped)) == []
    assert not skipped.reasons


def test_a_task_without_the_picture_is_named() -> None:
    skipped = SkippedItems()
    task = Task(3, {"one": 5}, annotations=({"result": [_region("a")]},))
    assert list(annotated_pictures([task], CONFIG, skipped)) == []
    assert "no picture under 'one'" in skipped.reasons["task 3"]


@given(st.sets(st.integers(1, 10_000), min_size=2), st.floats(0.01, 0.99))
def test_both_sides_of_a_split_have_tasks_and_share_none(tasks: set[int], share: float) -> None:
    split = split_tasks(tasks, share)
    assert split.training
    assert split.held_out
    assert split.training | split.held_out == tasks
    assert not split.training & split.held_out


@given(st.sets(st.integers(1, 10_000), min_size=30), st.sets(st.integers(1, 10_000)))
def test_a_task_that_was_learnt_from_is_never_held_out_later(tasks: set[int], more: set[int]) -> None:
    assert not split_tasks(tasks, 0.2).training & split_tasks(tasks | more, 0.2).held_out


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_share_without_sense_is_refused(share: float) -> None:
    with pytest.raises(DatasetError, match="lies between 0 and 1"):
        split_tasks([1, 2, 3], share)
