import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.errors import MaskError
from sam_backend.masks.turned_box import TurnedBox, smallest_turned_box

points = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=3, max_size=12)


def _area_when_turned(points_xy: np.ndarray, rotation_deg: float) -> float:
    """Of the upright box after the points were turned back; the slow way."""
    angle = math.radians(-rotation_deg)
    x, y = points_xy.T
    turned_x = x * math.cos(angle) - y * math.sin(angle)
    turned_y = x * math.sin(angle) + y * math.cos(angle)
    return float(np.ptp(turned_x) * np.ptp(turned_y))


@given(points)
def test_no_angle_gives_a_smaller_box_and_every_point_is_in_it(corners: list[tuple[int, int]]) -> None:
    points_xy = np.array(corners, np.float64)
    try:
        box = smallest_turned_box(points_xy)
    except MaskError:
        assert np.linalg.matrix_rank(points_xy - points_xy[0]) < 2
        return
    area = box.size_wh[0] * box.size_wh[1]
    assert area <= min(_area_when_turned(points_xy, degrees) for degrees in range(90)) + 1e-6
    assert math.isclose(area, _area_when_turned(points_xy, box.rotation_deg), rel_tol=1e-6, abs_tol=1e-6)
    assert -45 <= box.rotation_deg <= 45
    middle = np.concatenate([points_xy, box.corners_xy()])
    np.testing.assert_allclose(
        _area_when_turned(middle, box.rotation_deg), area, rtol=1e-6, atol=1e-6
    )  # nothing sticks out


def test_turned_square_is_found_as_it_was() -> None:
    square = TurnedBox(corner_xy=(30, 10), size_wh=(20, 5), rotation_deg=30)
    found = smallest_turned_box(square.corners_xy())
    np.testing.assert_allclose([*found.corner_xy, *found.size_wh, found.rotation_deg], [30, 10, 20, 5, 30])


def test_rotation_is_clockwise_on_the_screen_about_the_corner() -> None:
    corners_xy = TurnedBox(corner_xy=(10, 10), size_wh=(4, 2), rotation_deg=90).corners_xy()
    np.testing.assert_allclose(corners_xy, [(10, 10), (10, 14), (8, 14), (8, 10)], atol=1e-9)


def test_told_from_the_next_corner_it_is_the_same_rectangle() -> None:
    box = TurnedBox(corner_xy=(10, 20), size_wh=(4, 2), rotation_deg=33)
    told_again = box.from_next_corner()
    np.testing.assert_allclose(told_again.corners_xy(), np.roll(box.corners_xy(), -1, axis=0))


@pytest.mark.parametrize("line", [[(1, 1), (2, 2), (5, 5)], [(3, 3)]], ids=["line", "point"])
def test_points_on_a_line_are_refused(line: list[tuple[int, int]]) -> None:
    with pytest.raises(MaskError, match="on a line"):
        smallest_turned_box(np.array(line, np.float64))
