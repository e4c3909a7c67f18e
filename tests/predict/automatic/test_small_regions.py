import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from record_of import box_mask, record_of

from sam_backend.predict.automatic.small_regions import (
    SmallMasks,
    fill_small_holes,
    remove_small_islands,
    remove_small_regions,
)

IMAGE_HW = (40, 60)


@st.composite
def blotchy_masks(draw: st.DrawFn) -> NDArray[np.bool_]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cell_px, share = draw(st.integers(1, 6)), draw(st.sampled_from([0.1, 0.5, 0.9]))
    cells = rng.random((-(-IMAGE_HW[0] // cell_px), -(-IMAGE_HW[1] // cell_px))) < share
    mask = np.kron(cells, np.ones((cell_px, cell_px), np.bool_))[: IMAGE_HW[0], : IMAGE_HW[1]]
    left, top = draw(st.integers(0, 30)), draw(st.integers(0, 20))
    mask[:top], mask[:, :left] = False, False
    return mask


@given(mask=blotchy_masks(), min_area_px=st.sampled_from([1, 5, 40, 3000]), drops=st.booleans())
def test_cleaning_around_the_mask_equals_cleaning_the_whole_picture(
    mask: NDArray[np.bool_], min_area_px: int, drops: bool
) -> None:
    small_masks: SmallMasks = "drop" if drops else "keep_largest"
    filled, has_holes = fill_small_holes(mask, min_area_px)
    expected, has_islands = remove_small_islands(filled, min_area_px, small_masks)
    record = record_of(mask)
    cleaned = remove_small_regions([record], min_area_px, small_masks, nms_thresh=0.7)
    if not expected.any():
        assert cleaned == []
        return
    np.testing.assert_array_equal(cleaned[0].runs.to_mask(), expected)
    assert cleaned[0].box_inclusive_xyxy == record_of(expected).box_inclusive_xyxy
    assert (cleaned[0] is record) == (not has_holes and not has_islands)


def test_small_holes_are_filled_and_large_ones_stay() -> None:
    mask = box_mask(IMAGE_HW, (5, 5, 35, 35))
    mask[8:10, 8:10] = mask[20:30, 20:30] = False
    (clean,) = remove_small_regions([record_of(mask)], 50, "keep_largest", 0.7)
    assert clean.area_px == 30 * 30 - 10 * 10


def test_regions_that_touch_by_a_corner_are_one() -> None:
    mask = box_mask(IMAGE_HW, (5, 5, 10, 10)) | box_mask(IMAGE_HW, (10, 10, 15, 15))
    record = record_of(mask)
    assert remove_small_regions([record], 50, "keep_largest", 0.7) == [record]


@pytest.mark.parametrize(("small_masks", "n_kept"), [("keep_largest", 1), ("drop", 0)])
def test_a_mask_of_small_islands_keeps_its_largest_or_goes(small_masks: SmallMasks, n_kept: int) -> None:
    mask = box_mask(IMAGE_HW, (1, 1, 3, 3)) | box_mask(IMAGE_HW, (20, 20, 24, 24))
    cleaned = remove_small_regions([record_of(mask)], 100, small_masks, 0.7)
    assert [one.box_inclusive_xyxy for one in cleaned] == [(20, 20, 23, 23)] * n_kept


def test_an_unchanged_mask_wins_over_a_better_one_that_was_changed() -> None:
    whole = box_mask(IMAGE_HW, (5, 5, 25, 25))
    holed = whole.copy()
    holed[10, 10] = False
    changed, unchanged = record_of(holed, predicted_iou=0.99), record_of(whole, predicted_iou=0.9)
    assert remove_small_regions([changed, unchanged], 20, "keep_largest", 0.7) == [unchanged]
