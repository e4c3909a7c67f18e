from typing import Any

import numpy as np
import pytest

from sam_backend.label_studio.drafts import read_draft
from sam_backend.label_studio.session import Click
from sam_backend.masks.rle_brush import encode_brush_rle

IMAGE_HW = (100, 200)
SIZE = {"original_height": 50, "original_width": 100}
"""The editor may know the picture in another size."""


def _brush() -> list[int]:
    mask = np.zeros((50, 100), bool)
    mask[10:20, 10:20] = True
    return encode_brush_rle(mask)


def _holds(region: dict[str, Any], x_px: float, y_px: float, but_of: tuple[str, ...] = ()) -> bool:
    draft = read_draft([{"user": "ann", "result": [region]}])
    return draft.holds(Click(x_px, y_px, True), IMAGE_HW, but_of=but_of)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"rle": _brush(), "format": "rle"}, id="brush"),
        pytest.param({"points": [[10, 20], [20, 20], [20, 40], [10, 40]]}, id="polygon"),
        pytest.param({"x": 10, "y": 20, "width": 10, "height": 20, "rotation": 0}, id="rectangle"),
        pytest.param({"x": 20, "y": 40, "width": 10, "height": 20, "rotation": 180}, id="turned rectangle"),
    ],
)
def test_click_in_a_region_is_told_from_one_beside_it(value: dict[str, Any]) -> None:
    region = {**SIZE, "id": "r", "value": value}
    assert _holds(region, 30, 30)
    assert not _holds(region, 45, 30)
    assert not _holds(region, 30, 30, but_of=("r",))
    assert not _holds({**region, "id": "r-1-0"}, 30, 30, but_of=("r",))


@pytest.mark.parametrize(
    "region",
    [
        pytest.param({}, id="empty"),
        pytest.param({**SIZE, "value": {"rle": [1, 2]}}, id="damaged brush"),
        pytest.param({"value": {"rle": _brush()}}, id="brush without a size"),
        pytest.param({"value": {"points": [[1, 2]]}}, id="polygon of one point"),
        pytest.param({"value": {"points": "many"}}, id="no points"),
        pytest.param({"value": {"x": None, "y": 1, "width": 2, "height": 3}}, id="no numbers"),
        pytest.param({"value": {"choices": ["a"]}}, id="choice"),
        pytest.param(
            {"original_height": 30_000, "original_width": 30_000, "value": {"rle": _brush()}}, id="brush too large"
        ),
    ],
)
def test_region_that_can_not_be_read_holds_nothing(region: dict[str, Any]) -> None:
    assert not _holds(region, 30, 30)


def test_draft_tells_user_and_region_ids_also_of_objects_in_several_shapes() -> None:
    draft = read_draft([{"user": "ann", "result": [{"id": "a"}, {"id": "b-0-1"}, {"id": 3}, 4]}, {"user": 5}, {}])
    assert draft.user == "ann"
    assert draft.region_ids == {"a", "b", "b-0-1"}


def test_request_without_a_draft_tells_nothing() -> None:
    draft = read_draft([])
    assert (draft.user, draft.region_ids, draft.regions) == (None, frozenset(), ())


@pytest.mark.parametrize(
    ("times", "saved_at_s"),
    [
        pytest.param(["1970-01-01T00:00:10.5Z", "1970-01-01T00:00:09Z"], 10.5, id="the newest"),
        pytest.param(["1970-01-01T02:00:10+02:00"], 10.0, id="of another zone"),
        pytest.param([None, 12, "yesterday", "1970-01-01T00:00:10"], None, id="none that tells"),
        pytest.param([], None, id="no draft"),
    ],
)
def test_draft_tells_when_it_was_saved(times: list[Any], saved_at_s: float | None) -> None:
    assert read_draft([{"result": [], "updated_at": time} for time in times]).saved_at_s == saved_at_s
