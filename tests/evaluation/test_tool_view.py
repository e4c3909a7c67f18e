import numpy as np
import pytest

from sam_backend.evaluation.view import View, at_most, window_around, window_zoomed_by_eye
from sam_backend.types import Prompts


@pytest.mark.parametrize(
    ("box", "expected", "open_sides"),
    [
        ((40, 30, 80, 50), (20, 20, 100, 60), (True, True, True, True)),
        ((0, 30, 40, 50), (0, 20, 60, 60), (False, True, True, True)),
        ((170, 85, 200, 100), (155, 77, 200, 100), (True, True, False, False)),
        ((50, 50, 51, 51), (42, 42, 59, 59), (True, True, True, True)),
    ],
    ids=["inside", "at the left edge", "in the corner", "one pixel"],
)
def test_a_window_leaves_half_the_box_around_it_and_knows_where_the_picture_ends(
    box: tuple[int, ...], expected: tuple[int, ...], open_sides: tuple[bool, ...]
) -> None:
    window = window_around(np.array(box, np.float32), image_hw=(100, 200))
    assert (window.x0, window.y0, window.x1, window.y1) == expected
    assert window.open_sides == open_sides
    assert window.crop(np.zeros((100, 200, 3))).shape == (expected[3] - expected[1], expected[2] - expected[0], 3)


def test_a_window_zoomed_by_eye_shows_the_whole_object_but_doesnt_tell_its_box() -> None:
    boxes = [np.array([left, 400, left + 40, 430], np.float32) for left in range(400, 420)]
    windows = [window_zoomed_by_eye(box, image_hw=(1000, 1000)) for box in boxes]
    assert windows == [window_zoomed_by_eye(box, image_hw=(1000, 1000)) for box in boxes]
    margins = np.array([(box[0] - one.x0, one.x1 - box[2]) for box, one in zip(boxes, windows, strict=True)])
    assert margins.min() >= 20
    assert margins.max() <= 80
    assert margins.std() > 10


def test_the_border_of_a_view_is_where_the_picture_goes_on() -> None:
    view = View(np.zeros((4, 5, 3), np.uint8), Prompts.of(box_xyxy=[1, 1, 2, 2]), (True, False, False, True))
    assert np.argwhere(view.border).tolist() == [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1], [3, 2], [3, 3], [3, 4]]


def test_a_slow_tool_sees_a_small_view_and_its_mask_comes_back_large() -> None:
    seen: list[View] = []

    def left_half(view: View) -> np.ndarray:
        seen.append(view)
        return np.broadcast_to(np.arange(view.image_hw[1]) < view.image_hw[1] / 2, view.image_hw)

    image = np.zeros((100, 200, 3), np.uint8)
    prompts = Prompts.of(points=[(50, 20, True)], box_xyxy=[20, 40, 100, 60])
    mask = at_most(100, left_half)(View(image, prompts, (True, True, False, True)))
    assert seen[0].image_hw == (50, 100)
    assert seen[0].prompts.points_xy.tolist() == [[25, 10]]
    assert seen[0].prompts.box_xyxy is not None
    assert seen[0].prompts.box_xyxy.tolist() == [10, 20, 50, 30]
    assert seen[0].open_sides == (True, True, False, True)
    assert mask.shape == (100, 200)
    assert mask[:, :99].all()
    assert not mask[:, 101:].any()


def test_a_small_view_is_left_as_it_is() -> None:
    view = View(np.zeros((8, 9, 3), np.uint8), Prompts.of(points=[(1, 1, True)]), (True,) * 4)
    seen: list[View] = []
    at_most(9, lambda one: (seen.append(one), one.border)[1])(view)
    assert seen == [view]
