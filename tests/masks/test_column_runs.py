import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pycocotools import mask as pycocotools_mask
from sample_masks import any_mask

from sam_backend.errors import MaskError
from sam_backend.masks.column_runs import ColumnRuns
from sam_backend.masks.rle_coco import bbox_xywh, encode_coco_rle


def runs_of(mask: NDArray[np.bool_]) -> ColumnRuns:
    return ColumnRuns.of_window(mask, (0, 0), mask.shape)


def assert_equals_pycocotools(mask: NDArray[np.bool_]) -> None:
    official = pycocotools_mask.encode(np.asfortranarray(mask, np.uint8))
    runs = runs_of(mask)
    rle = runs.to_coco_rle()
    assert rle == {"size": official["size"], "counts": official["counts"].decode()}
    assert (
        pycocotools_mask.frPyObjects({"size": rle["size"], "counts": runs.counts().tolist()}, *mask.shape) == official
    )
    assert runs.area_px == pycocotools_mask.area(official)
    np.testing.assert_array_equal(runs.to_mask(), mask)


def test_a_sample_is_written_and_measured_as_by_pycocotools(sample: NDArray[np.bool_]) -> None:
    assert_equals_pycocotools(sample)


@given(mask=any_mask)
def test_any_mask_is_written_and_measured_as_by_pycocotools(mask: NDArray[np.bool_]) -> None:
    assert_equals_pycocotools(mask)


@given(mask=any_mask)
def test_the_inclusive_box_is_one_short_of_the_half_open_one(mask: NDArray[np.bool_]) -> None:
    x0, y0, x1, y1 = runs_of(mask).box_inclusive_xyxy()
    left, top, width, height = bbox_xywh(encode_coco_rle(mask))
    expected = (left, top, left + width - 1, top + height - 1) if mask.any() else (0, 0, 0, 0)
    assert (x0, y0, x1, y1) == expected


@given(mask=any_mask, margins=st.tuples(*[st.integers(0, 3)] * 4))
def test_a_window_lies_where_it_was_put(mask: NDArray[np.bool_], margins: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = margins
    h, w = mask.shape
    picture = np.pad(mask, ((top, bottom), (left, right)))
    runs = ColumnRuns.of_window(mask, (left, top), picture.shape)
    np.testing.assert_array_equal(runs.edges, runs_of(picture).edges)
    np.testing.assert_array_equal(runs.to_window((left, top, left + w, top + h)), mask)


@given(mask=any_mask, seed=st.integers(0, 9))
def test_the_intersection_is_that_of_the_pixels(mask: NDArray[np.bool_], seed: int) -> None:
    other = np.random.default_rng(seed).random(mask.shape) < 0.5
    expected = int((mask & other).sum())
    assert runs_of(mask).intersection_px(runs_of(other)) == expected
    assert runs_of(other).intersection_px(runs_of(mask)) == expected


@pytest.mark.parametrize(
    ("edges", "sentence"),
    [
        ([0], "a start and a stop each"),
        ([[0, 1]], "a start and a stop each"),
        ([-1, 4], "rise from 0 to 12"),
        ([0, 13], "rise from 0 to 12"),
        ([2, 2], "rise from 0 to 12"),
        ([0, 3, 3, 5], "rise from 0 to 12"),
    ],
    ids=["odd", "two axes", "before the start", "beyond the end", "empty run", "runs that touch"],
)
def test_edges_that_are_no_runs_are_refused(edges: list[int], sentence: str) -> None:
    with pytest.raises(MaskError, match=sentence):
        ColumnRuns((3, 4), np.array(edges, np.int64))
