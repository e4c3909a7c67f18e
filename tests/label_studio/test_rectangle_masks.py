from typing import Any

import pytest

from sam_backend.label_studio.rectangle_masks import existing_rectangles, with_rectangles_only
from sam_backend.label_studio.request import parse_task

MASK = {"id": "mask", "type": "brushlabels"}


def _result(*ids: str, **about: object) -> dict[str, Any]:
    return {"result": [MASK, *({"id": one, "type": "rectanglelabels"} for one in ids)], **about}


@pytest.mark.parametrize(
    ("regions", "wanted"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"annotations": [_result()], "drafts": [_result()]}, [], id="masks only"),
        pytest.param({"annotations": [_result("a"), _result("b", "c"), _result()]}, ["b", "c"], id="newest annotation"),
        pytest.param(
            {"annotations": [_result("a", was_cancelled=True)], "drafts": [_result("b")]},
            ["b"],
            id="draft of a skipped",
        ),
        pytest.param({"predictions": [_result("a"), {"result": None}]}, ["a"], id="prediction"),
    ],
)
def test_a_task_with_its_rectangles_only_has_the_same_ones(regions: dict[str, Any], wanted: list[str]) -> None:
    task = parse_task({"id": 1, "data": {"image": "a.png"}, **regions})
    bare = with_rectangles_only(task)
    assert existing_rectangles(bare) == existing_rectangles(task)
    assert [one["id"] for one in existing_rectangles(bare)] == wanted
    assert (bare.id, bare.data) == (task.id, task.data)
    assert str(MASK) not in str(bare)
