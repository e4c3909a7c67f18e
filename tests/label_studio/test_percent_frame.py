from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.label_studio.frame import (
    image_to_percent_xy,
    percent_to_image_xy,
    rectangle_pct_bounds,
    resample_mask,
)

HW = (400, 600)
sides = st.integers(1, 60)


def test_percent_is_of_width_for_x_and_of_height_for_y() -> None:
    assert percent_to_image_xy(np.array([[50.0, 25.0]]), HW).tolist() == [[300, 100]]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1), sides, sides)
def test_percent_and_back_is_the_same_point(points: list[tuple[float, float]], height: int, width: int) -> None:
    points_pct = np.array(points)
    back_pct = image_to_percent_xy(percent_to_image_xy(points_pct, (height, width)), (height, width))
    np.testing.assert_allclose(back_pct, points_pct, atol=1e-9)


@pytest.mark.parametrize(
    ("rotation_deg", "bounds_px"),
    [
        pytest.param(0, (300, 100, 420, 160), id="upright"),
        pytest.param(90, (240, 100, 300, 220), id="a quarter clockwise swings it to the left and down"),
        pytest.param(-90, (300, -20, 360, 100), id="a quarter back swings it up"),
        pytest.param(180, (180, 40, 300, 100), id="half"),
        pytest.param(360, (300, 100, 420, 160), id="whole"),
    ],
)
def test_rotated_rectangle_is_turned_about_its_corner_in_pixels(
    rotation_deg: float, bounds_px: tuple[float, ...]
) -> None:
    bounds_pct = rectangle_pct_bounds(np.array([50.0, 25.0]), np.array([20.0, 15.0]), rotation_deg, HW)
    found_px = percent_to_image_xy(bounds_pct.reshape(2, 2), HW).ravel()
    np.testing.assert_allclose(found_px, bounds_px, atol=1e-9)


def test_square_in_pixels_turned_by_45_degrees_is_as_wide_as_its_diagonal_both_ways() -> None:
    size_pct = image_to_percent_xy(np.array([100.0, 100.0]), HW)
    bounds_pct = rectangle_pct_bounds(np.array([50.0, 25.0]), size_pct, 45, HW)
    corners_px = percent_to_image_xy(bounds_pct.reshape(2, 2), HW)
    np.testing.assert_allclose(corners_px[1] - corners_px[0], 100 * np.sqrt(2))


@given(st.integers(0, 2**32 - 1), sides, sides, st.integers(1, 5), st.integers(1, 5))
def test_mask_enlarged_by_whole_factors_repeats_pixels_and_shrinks_back(
    seed: int, height: int, width: int, rows: int, columns: int
) -> None:
    mask = np.random.default_rng(seed).random((height, width)) > 0.5
    enlarged = resample_mask(mask, (height * rows, width * columns))
    np.testing.assert_array_equal(enlarged, mask.repeat(rows, axis=0).repeat(columns, axis=1))
    np.testing.assert_array_equal(resample_mask(enlarged, (height, width)), mask)


@given(sides, sides)
def test_resampled_pixel_comes_from_under_its_centre(given_px: int, wanted_px: int) -> None:
    ramp = np.arange(given_px)[None] >= given_px / 2
    expected = [int(Fraction(2 * i + 1, 2 * wanted_px) * given_px) >= given_px / 2 for i in range(wanted_px)]
    assert resample_mask(ramp, (1, wanted_px))[0].tolist() == expected


def test_mask_of_the_wanted_size_is_not_copied() -> None:
    mask = np.zeros((3, 4), np.bool_)
    assert resample_mask(mask, (3, 4)) is mask
