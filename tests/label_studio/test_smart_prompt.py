from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import recorded

from sam_backend.label_studio.smart_prompt import PointPct, RectanglePct, SmartPrompt, parse_smart_prompt

SIZE = {"original_width": 600, "original_height": 400, "image_rotation": 0, "to_name": "image"}


def _point(x: object = 50, y: object = 25, **item: object) -> dict[str, Any]:
    value = {"x": x, "y": y, "width": 0.3, "keypointlabels": ["Car"]}
    return {**SIZE, "type": "keypointlabels", "value": value, **item}


def _rectangle(
    x: object = 10, y: object = 20, width: object = 30, height: object = 40, **item: object
) -> dict[str, Any]:
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": ["Car"]}
    return {**SIZE, "type": "rectanglelabels", "value": value, **item}


def _parsed(*items: dict[str, Any]) -> SmartPrompt:
    prompt = parse_smart_prompt(items)
    assert prompt is not None
    return prompt


def test_recorded_clicks_keep_order_and_polarity() -> None:
    prompt = _parsed(*recorded("editor_keypoints")["context"]["result"])
    assert [point.is_foreground for point in prompt.points] == [True, True, False]
    assert (prompt.label, prompt.to_name, prompt.original_hw) == ("Object", "image", (600, 800))
    prompts = prompt.to_prompts((600, 800))
    assert prompts is not None
    np.testing.assert_allclose(prompts.points_xy, [[360.04, 300], [239.74, 179.69], [360.04, 329.86]], atol=0.01)
    assert prompts.is_foreground.tolist() == [True, True, False]


def test_recorded_rectangle_becomes_a_box() -> None:
    prompts = _parsed(*recorded("editor_rectangle")["context"]["result"]).to_prompts((600, 800))
    assert prompts is not None
    assert prompts.box_xyxy is not None
    np.testing.assert_allclose(prompts.box_xyxy, [543.58, 30.41, 735.9, 329.86], atol=0.01)


@pytest.mark.parametrize(
    ("item", "is_foreground"),
    [({}, True), ({"is_positive": True}, True), ({"is_positive": None}, True), ({"is_positive": False}, False)],
    ids=["absent", "true", "null", "false"],
)
def test_click_is_positive_unless_it_says_no(item: dict[str, Any], is_foreground: bool) -> None:
    assert _parsed(_point(**item)).points == (PointPct(50, 25, is_foreground),)


@pytest.mark.parametrize(
    "bare",
    [
        pytest.param({"type": "keypoint", "value": {"x": 50, "y": 25, "labels": ["Car"]}}, id="key point"),
        pytest.param({"type": "rectangle", "value": {"x": 5, "y": 5, "width": 9, "height": 9}}, id="rectangle"),
    ],
)
def test_unified_palette_sends_one_region_twice_and_it_counts_once(bare: dict[str, Any]) -> None:
    shape = {**SIZE, **bare, "id": "a", "from_name": "kp"}
    carrier = {**shape, "type": "labels", "from_name": "label", "value": {**bare["value"], "labels": ["Car"]}}
    for items in ([shape, carrier], [carrier, shape]):
        prompt = _parsed(*items)
        assert prompt.label == "Car"
        assert len(prompt.points) + (prompt.rectangle is not None) == 1


def test_same_id_twice_counts_once_and_no_id_counts_always() -> None:
    assert len(_parsed(_point(id="a"), _point(id="a"), _point(), _point()).points) == 3


def test_newest_of_several_rectangles_is_meant() -> None:
    assert _parsed(_rectangle(x=1, id="a"), _rectangle(x=2, id="b")).rectangle == RectanglePct(2, 20, 30, 40, 0)


def test_rectangle_and_clicks_join() -> None:
    prompts = _parsed(_rectangle(), _point(30, 30, is_positive=False)).to_prompts((400, 600))
    assert prompts is not None
    assert prompts.box_xyxy is not None
    assert prompts.is_foreground.tolist() == [False]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"value": {"x": 1, "y": 1, "keypointlabels": ["Tree"]}}, id="label"),
        pytest.param({"to_name": "second"}, id="object"),
        pytest.param({"item_index": 1}, id="picture of a list"),
    ],
)
def test_regions_that_differ_from_the_last_are_passed_over(other: dict[str, Any]) -> None:
    assert _parsed(_point(1, 1, **other), _point(2, 2)).points == (PointPct(2, 2, True),)


def test_item_index_and_rotation_are_kept_for_the_echo() -> None:
    prompt = _parsed(_point(item_index=2, image_rotation=90))
    assert (prompt.item_index, prompt.image_rotation) == (2, 90)


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({**SIZE, "type": "brushlabels", "value": {"rle": [1]}}, id="brush"),
        pytest.param({**SIZE, "type": "polygonlabels", "value": {"points": [[1, 1]]}}, id="polygon"),
        pytest.param({"type": "choices", "value": {"choices": ["part"]}}, id="choices"),
        pytest.param({"type": "textarea", "value": {"text": ["red circle"]}}, id="text"),
        pytest.param({"type": "labels", "value": {"x": 1, "y": 1, "labels": ["Car"]}}, id="carrier alone"),
        pytest.param({}, id="empty"),
        pytest.param({"type": ["keypoint"], "value": {"x": 1, "y": 1}}, id="type a list"),
        pytest.param({"type": "keypoint"}, id="no value"),
        pytest.param({"type": "keypoint", "value": []}, id="value a list"),
        pytest.param(_point(x=None), id="no x"),
        pytest.param(_point(y="5"), id="y a text"),
        pytest.param(_point(x=True), id="x a bool"),
        pytest.param(_point(x=float("nan")), id="x not a number"),
        pytest.param(_point(x=float("inf")), id="x infinite"),
        pytest.param(_point(x=10**400), id="x beyond floats"),
        pytest.param(_rectangle(width=None), id="no width"),
        pytest.param(_rectangle(height="1"), id="height a text"),
    ],
)
def test_what_is_no_prompt_is_passed_over(item: dict[str, Any]) -> None:
    assert parse_smart_prompt([item]) is None
    assert _parsed(item, _point()).points == (PointPct(50, 25, True),)


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([_point(is_positive=False)], id="only 'not this'"),
        pytest.param([_rectangle(width=0)], id="no width"),
        pytest.param([_rectangle(x=100)], id="outside, to the right"),
        pytest.param([_rectangle(y=-50)], id="outside, above"),
        pytest.param([_rectangle(width=1e-9)], id="thinner than a float can say"),
    ],
)
def test_prompts_that_name_no_object_give_none(items: list[dict[str, Any]]) -> None:
    assert _parsed(*items).to_prompts((400, 600)) is None


def test_picture_of_another_size_than_the_editors_is_pointed_at_by_percent() -> None:
    prompts = _parsed(_point(50, 25), _rectangle(10, 20, 30, 40)).to_prompts((40, 60))
    assert prompts is not None
    assert prompts.box_xyxy is not None
    assert prompts.points_xy.tolist() == [[30, 10]]
    np.testing.assert_allclose(prompts.box_xyxy, [6, 8, 24, 24], rtol=1e-6)


def test_rectangle_is_turned_in_the_editors_pixels_even_if_the_picture_is_squeezed() -> None:
    turned = _rectangle(50, 25, 20, 15)
    turned["value"]["rotation"] = 90
    prompts = _parsed(turned).to_prompts((400, 300))
    assert prompts is not None
    assert prompts.box_xyxy is not None
    np.testing.assert_allclose(prompts.box_xyxy, [120, 100, 150, 220], rtol=1e-6)


@pytest.mark.parametrize(
    "size",
    [{"original_width": None}, {"original_height": 0}, {"original_width": "600"}, {"original_width": -3}],
    ids=["null", "zero", "text", "negative"],
)
def test_size_that_makes_no_sense_is_left_to_the_picture(size: dict[str, Any]) -> None:
    prompt = _parsed(_point(**size))
    assert prompt.original_hw is None
    assert prompt.to_prompts((40, 60)) is not None


@given(
    st.lists(st.builds(_point, x=st.floats(-1e9, 1e9), y=st.floats(-1e9, 1e9)), max_size=4),
    st.lists(st.builds(_rectangle, *[st.floats(-1e3, 1e3)] * 4), max_size=2),
    st.integers(1, 5000),
    st.integers(1, 5000),
)
def test_prompts_always_lie_inside_the_picture(
    points: list[dict[str, Any]], rectangles: list[dict[str, Any]], height: int, width: int
) -> None:
    prompt = parse_smart_prompt(points + rectangles)
    prompts = prompt and prompt.to_prompts((height, width))
    if prompts:
        box_xyxy = prompts.box_xyxy if prompts.box_xyxy is not None else np.zeros(4)
        corners_xy = np.concatenate([prompts.points_xy, box_xyxy.reshape(2, 2)])
        assert (corners_xy >= 0).all()
        assert (corners_xy <= (width, height)).all()
