import numpy as np
import pytest

from sam_backend.errors import PromptError, RequestError
from sam_backend.service.try_page.low_res_png import encode_low_res
from sam_backend.service.try_page.mask_request import is_ambiguous, parse_mask_request

CLICK = {"points": [[3, 4.5]], "labels": [1]}


def test_all_prompts_are_read() -> None:
    logits = np.full((4, 4), 2.5, np.float32)
    body = {
        "points": [[3, 4.5], [7, 8]],
        "labels": [1, 0],
        "box": [1, 2, 30, 40],
        "previous": encode_low_res(logits),
    }
    prompts = parse_mask_request(body, max_points=2)
    assert prompts.points_xy.tolist() == [[3, 4.5], [7, 8]]
    assert prompts.is_foreground.tolist() == [True, False]
    assert prompts.box_xyxy is not None
    assert prompts.box_xyxy.tolist() == [1, 2, 30, 40]
    np.testing.assert_array_equal(prompts.mask_logits, logits)


@pytest.mark.parametrize(
    ("body", "is_open"),
    [
        pytest.param(CLICK, True, id="one click"),
        pytest.param(CLICK | {"box": None, "previous": None}, True, id="one click and nulls"),
        pytest.param(CLICK | {"box": [0, 0, 9, 9]}, False, id="click and box"),
        pytest.param({"box": [0, 0, 9, 9]}, False, id="box"),
        pytest.param({"points": [[1, 1], [2, 2]], "labels": [1, True]}, False, id="two clicks"),
        pytest.param(CLICK | {"previous": encode_low_res(np.zeros((4, 4), np.float32))}, False, id="refined"),
    ],
)
def test_only_a_single_click_is_ambiguous(body: object, is_open: bool) -> None:
    assert is_ambiguous(parse_mask_request(body, max_points=9)) == is_open


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param([], "a JSON object was wanted", id="a list"),
        pytest.param({"points": 1, "labels": []}, "'points' is a list", id="points a number"),
        pytest.param({"points": [[1, 1]] * 10, "labels": [1] * 10}, "may have 9 points, got 10", id="many points"),
        pytest.param({"points": [[1, 1]], "labels": []}, "got 1 points and 0 labels", id="a label missing"),
        pytest.param({"points": [[1]], "labels": [1]}, "a point is a list of 2 numbers", id="one coordinate"),
        pytest.param({"points": ["ab"], "labels": [1]}, "a point is a list of 2 numbers", id="a text"),
        pytest.param({"points": [[1, True]], "labels": [1]}, "a point is a list of 2 numbers", id="a truth value"),
        pytest.param({"points": [[1, float("nan")]], "labels": [1]}, "a point is a list of 2 numbers", id="NaN"),
        pytest.param({"points": [[1, 10**400]], "labels": [1]}, "a point is a list of 2 numbers", id="huge"),
        pytest.param({"points": [[1, 1]], "labels": [2]}, "a label is 1", id="label 2"),
        pytest.param({"points": [[1, 1]], "labels": [1.0]}, "a label is 1", id="label a float"),
        pytest.param({"box": [1, 2, 3]}, "a box is a list of 4 numbers", id="three corners"),
        pytest.param({"previous": 3}, "'previous' is a text", id="previous a number"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(body: object, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parse_mask_request(body, max_points=9)


@pytest.mark.parametrize(
    "body", [pytest.param({}, id="nothing"), pytest.param({"box": [5, 5, 5, 9]}, id="box without area")]
)
def test_prompt_that_names_nothing_is_refused(body: object) -> None:
    with pytest.raises(PromptError):
        parse_mask_request(body, max_points=9)
