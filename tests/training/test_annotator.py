from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import distance_transform_edt

from sam_backend.errors import MaskError
from sam_backend.training.annotator import (
    Click,
    correcting_click,
    first_click,
    innermost_pixel_xy,
    simulate_clicks,
)

HW = (9, 12)
masks = hnp.arrays(np.bool_, HW)


def rectangle(x0: int, y0: int, x1: int, y1: int, image_hw: tuple[int, int] = (40, 60)) -> np.ndarray:
    mask = np.zeros(image_hw, np.bool_)
    mask[y0:y1, x0:x1] = True
    return mask


def depth_px(mask: np.ndarray) -> np.ndarray:
    """Distance to the outside, the picture's edge included: the definition, over the whole picture."""
    return np.asarray(distance_transform_edt(np.pad(mask, 1)))[1:-1, 1:-1]


def at(values: np.ndarray, click: Click) -> float:
    return values[int(click[1]), int(click[0])]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (rectangle(10, 5, 25, 20), (17.5, 12.5)),
        (rectangle(0, 5, 15, 20), (7.5, 12.5)),
        (rectangle(7, 3, 8, 4), (7.5, 3.5)),
    ],
    ids=["square", "square at the edge", "one pixel"],
)
def test_the_first_click_is_in_the_middle(mask: np.ndarray, expected: tuple[float, float]) -> None:
    assert first_click(mask) == (*expected, True)


def test_an_empty_mask_has_no_middle() -> None:
    with pytest.raises(MaskError, match="empty mask"):
        innermost_pixel_xy(np.zeros((4, 4), np.bool_))


@given(masks.filter(np.any))
def test_no_pixel_is_deeper_than_the_one_clicked_first(truth: np.ndarray) -> None:
    click = first_click(truth)
    assert at(depth_px(truth), click) == depth_px(truth).max()


@given(masks, masks)
def test_a_correction_lies_in_the_deepest_error_and_says_what_it_is(answer: np.ndarray, truth: np.ndarray) -> None:
    click = correcting_click(answer, truth)
    if (answer == truth).all():
        assert click is None
    else:
        assert click is not None
        assert at(answer, click) != at(truth, click) == click[2]
        depths = depth_px(truth & ~answer), depth_px(answer & ~truth)
        assert at(depths[0 if click[2] else 1], click) == max(depths[0].max(), depths[1].max())


def test_equally_deep_errors_get_the_click_on_the_object() -> None:
    assert correcting_click(rectangle(40, 5, 45, 10), rectangle(10, 5, 15, 10)) == (12.5, 7.5, True)


@settings(max_examples=25)  # each draws some thirty distance maps
@given(st.lists(masks.filter(np.any), min_size=1, max_size=4), st.integers(1, 6))
def test_whoever_paints_what_is_clicked_gets_better_each_round(truths: list[np.ndarray], n_clicks: int) -> None:
    """The answerer marks just the clicked pixels; so each click mends one pixel and none is given twice."""
    n_wrong: list[list[int]] = []

    def paint(clicks: Mapping[int, Sequence[Click]]) -> dict[int, np.ndarray]:
        return {index: painted_pixels(some) for index, some in clicks.items()}

    for answers in simulate_clicks(truths, paint, n_clicks):
        n_wrong.append([int((answer != truth).sum()) for answer, truth in zip(answers, truths, strict=True)])
    assert len(n_wrong) == n_clicks
    for index, truth in enumerate(truths):
        assert [one[index] for one in n_wrong] == [max(0, int(truth.sum()) - n - 1) for n in range(n_clicks)]


def painted_pixels(clicks: Sequence[Click]) -> np.ndarray:
    mask = np.zeros(HW, np.bool_)
    for x, y, is_foreground in clicks:
        assert is_foreground
        mask[int(y), int(x)] = True
    return mask


def test_an_object_that_is_right_gets_no_more_clicks() -> None:
    truths = [rectangle(0, 0, 4, 4), rectangle(10, 10, 20, 20)]
    asked: list[dict[int, int]] = []

    def answer(clicks: Mapping[int, Sequence[Click]]) -> dict[int, np.ndarray]:
        asked.append({index: len(some) for index, some in clicks.items()})
        return {index: truths[0] for index in clicks}

    rounds = list(simulate_clicks(truths, answer, 3))
    assert asked == [{0: 1, 1: 1}, {1: 2}, {1: 3}]
    assert all((answers[0] == truths[0]).all() for answers in rounds)


def test_nobody_is_asked_when_everything_is_right() -> None:
    truth = rectangle(0, 0, 4, 4)
    asked: list[int] = []

    def answer(clicks: Mapping[int, Sequence[Click]]) -> dict[int, np.ndarray]:
        asked.append(len(clicks))
        return {0: truth}

    assert len(list(simulate_clicks([truth], answer, 3))) == 3
    assert asked == [1]
