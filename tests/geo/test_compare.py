"""What became of an old outline, by the mask of today."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from sam_backend.geo.compare import GONE, LEAST_FIT, best_shift, compare

HW = (90, 110)


def disc(x: float, y: float, radius: float, stretch: float = 1.0) -> np.ndarray:
    rows, columns = np.mgrid[: HW[0], : HW[1]] + 0.5
    return np.hypot((columns - x) / stretch, rows - y) < radius


@given(x=st.floats(-9, 9), y=st.floats(-9, 9), radius=st.floats(8, 20), stretch=st.floats(0.6, 1.6))
def test_a_known_shift_is_found_to_parts_of_a_pixel(x: float, y: float, radius: float, stretch: float) -> None:
    (right, down), _ = best_shift(disc(50, 40, radius, stretch), disc(50 + x, 40 + y, radius, stretch))
    assert np.hypot(right - x, down - y) < 0.6


@given(right=st.integers(-15, 15), down=st.integers(-15, 15), seed=st.integers(0, 99))
def test_a_shift_by_whole_pixels_is_found_exactly(right: int, down: int, seed: int) -> None:
    blob = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=HW), 6) * disc(55, 45, 25) > 0.01
    moved = np.roll(blob, (down, right), axis=(0, 1))
    shift_xy_px, shared = best_shift(blob, moved)
    assert shift_xy_px == pytest.approx((right, down), abs=0.5)
    assert shared == blob.sum()


def test_a_missing_part_doesnt_pull_the_shift_away() -> None:
    old, new = disc(50, 40, 20), disc(53, 38, 20)
    new[:, 60:] = False  # a third is hidden under a tree; the centroid goes left by 4 px
    (right, down), _ = best_shift(old, new)
    assert (right, down) == pytest.approx((3, -2), abs=1)


def test_within_a_larger_mask_the_middle_counts() -> None:
    (right, down), shared = best_shift(disc(50, 40, 10), disc(55, 42, 20))
    assert (right, down) == pytest.approx((5, 2), abs=0.5)
    assert shared == disc(50, 40, 10).sum()


@pytest.mark.parametrize(
    ("new", "score", "stability", "change"),
    [
        (disc(50, 40, 20), 0.9, 0.9, "unchanged"),
        (disc(51, 40, 19), 0.9, 0.9, "unchanged"),
        (disc(55, 40, 20), 0.9, 0.9, "moved"),
        (disc(52.5, 40, 20), 0.9, 0.9, "moved"),
        (disc(50, 40, 16), 0.9, 0.9, "moved"),
        (disc(80, 40, 20), 0.9, 0.9, "moved"),
        (disc(50, 40, 20), 0.4, 0.9, "gone"),
        (disc(50, 40, 20), 0.9, 0.4, "gone"),
        (disc(50, 40, 10), 0.9, 0.9, "gone"),
        (disc(50, 40, 0), 0.9, 0.9, "gone"),
    ],
    ids=["same", "nearly", "5 px away", "2.5 px away", "smaller", "far away", "score", "stability", "another", "empty"],
)
def test_an_outline_is_unchanged_moved_or_gone(new: np.ndarray, score: float, stability: float, change: str) -> None:
    old = disc(50, 40, 20)
    compared = compare(old, new, score, stability)
    assert compared.change == change
    assert (compared.shift_xy_px is None) == (change == "gone")
    assert compared.iou_to_old == pytest.approx((old & new).sum() / (old | new).sum())


def test_an_outline_without_pixels_is_gone() -> None:
    assert compare(disc(0, 0, 0), disc(50, 40, 9), 1, 1) == GONE


def test_what_strays_little_from_its_layer_lies_off_as_the_layer_does() -> None:
    old, new = disc(50, 40, 20), disc(57, 37, 20)
    assert compare(old, new, 0.9, 0.9, layer_xy_px=(9.0, -5.0)).shift_xy_px == (9.0, -5.0)
    assert compare(old, new, 0.9, 0.9, layer_xy_px=(0.0, 0.0)).shift_xy_px == pytest.approx((7, -3), abs=0.6)


def test_in_a_layer_that_lies_right_what_strays_little_is_unchanged() -> None:
    old, new = disc(50, 40, 20), disc(52.5, 40, 20)
    assert compare(old, new, 0.9, 0.9).change == "moved"
    assert compare(old, new, 0.9, 0.9, layer_xy_px=(0.0, 0.0)).change == "unchanged"
    assert compare(old, new, 0.9, 0.9, layer_xy_px=(3.0, 0.0)).change == "moved"


def test_the_pictures_edges_say_whether_an_object_is_there_where_they_were_asked() -> None:
    old = disc(50, 40, 20)
    assert compare(old, old, score=0.9, stability=0.1, fit=LEAST_FIT).change == "unchanged"
    assert compare(old, old, score=0.9, stability=0.9, fit=LEAST_FIT - 0.1).change == "gone"
    assert compare(old, old, score=0.1, stability=0.9, fit=LEAST_FIT).change == "gone"
