from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pycocotools import mask as pycocotools_mask
from sample_masks import any_mask, masks_of_long_runs, noise

from sam_backend.errors import MaskError
from sam_backend.masks.coco_counts import pack_counts, unpack_counts
from sam_backend.masks.rle_coco import area_px, bbox_xywh, decode_coco_rle, encode_coco_rle


def official_rle(mask: NDArray[np.bool_]) -> dict[str, Any]:
    return pycocotools_mask.encode(np.asfortranarray(mask, np.uint8))


def assert_equals_pycocotools(mask: NDArray[np.bool_]) -> None:
    ours, official = encode_coco_rle(mask), official_rle(mask)
    assert ours == {"size": official["size"], "counts": official["counts"].decode()}
    assert area_px(ours) == pycocotools_mask.area(official)
    assert list(bbox_xywh(ours)) == pycocotools_mask.toBbox(official).tolist()
    np.testing.assert_array_equal(decode_coco_rle(official), mask)


def test_a_sample_is_written_measured_and_read_as_by_pycocotools(sample: NDArray[np.bool_]) -> None:
    assert_equals_pycocotools(sample)


@given(mask=any_mask)
def test_any_mask_is_written_measured_and_read_as_by_pycocotools(mask: NDArray[np.bool_]) -> None:
    assert_equals_pycocotools(mask)


@given(mask=masks_of_long_runs())
def test_long_runs_are_written_measured_and_read_as_by_pycocotools(mask: NDArray[np.bool_]) -> None:
    assert_equals_pycocotools(mask)


def test_large_noise_is_written_measured_and_read_as_by_pycocotools() -> None:
    assert_equals_pycocotools(noise(1000, 1500))


def test_the_order_of_axes_in_memory_does_not_matter() -> None:
    mask = noise(30, 40)
    assert encode_coco_rle(np.asfortranarray(mask)) == encode_coco_rle(mask)
    assert encode_coco_rle(np.flip(mask)[::2, ::3]) == encode_coco_rle(np.flip(mask)[::2, ::3].copy())


def test_the_decoded_mask_is_contiguous_and_of_bool(sample: NDArray[np.bool_]) -> None:
    mask = decode_coco_rle(encode_coco_rle(sample))
    assert mask.dtype == np.bool_
    assert mask.flags.c_contiguous


@given(counts=st.lists(st.integers(0, 2**32 - 1), min_size=1))
def test_counts_of_any_size_survive_the_string(counts: list[int]) -> None:
    assert unpack_counts(pack_counts(np.array(counts, np.int64))).tolist() == counts


@pytest.mark.parametrize("counts", [[2, 3, 1], (2, 3, 1), np.array([2, 3, 1])], ids=["list", "tuple", "array"])
def test_uncompressed_counts_are_read(counts: object) -> None:
    rle = {"size": [2, 3], "counts": counts}
    assert decode_coco_rle(rle).tolist() == [[False, True, True], [False, True, False]]
    assert area_px(rle) == 3
    assert bbox_xywh(rle) == (1, 0, 2, 2)


def test_empty_runs_of_other_writers_widen_no_box() -> None:
    rle = {"size": [3, 4], "counts": [1, 0, 3, 1, 0, 1, 6, 0]}
    assert bbox_xywh(rle) == (1, 1, 1, 2)
    assert area_px(rle) == int(decode_coco_rle(rle).sum())


DAMAGED = {
    "no-mapping": ("6", "mapping with 'size' and 'counts', got str"),
    "no-size": ({"counts": "6"}, r"got the keys \['counts'\]"),
    "size-no-list": ({"size": 6, "counts": "6"}, r"a list \[height, width\], got 6"),
    "size-of-zero": ({"size": [0, 6], "counts": "0"}, "at least one pixel"),
    "empty-string": ({"size": [2, 3], "counts": ""}, "add up to 0 pixels, but its size 2 x 3 has 6"),
    "empty-list": ({"size": [2, 3], "counts": []}, "string or a list of integers, got list"),
    "foreign-character": ({"size": [2, 3], "counts": "2!"}, "the byte 33 at 1"),
    "foreign-letter": ({"size": [2, 3], "counts": "ü"}, "the byte 195 at 0"),
    "lone-surrogate": ({"size": [2, 3], "counts": "\ud800"}, "the byte 237 at 0"),
    "cut-in-a-number": ({"size": [2, 3], "counts": b"6T"}, "ends in the middle of a number"),
    "nothing-but-a-cut-number": ({"size": [2, 3], "counts": "T"}, "ends in the middle of a number"),
    "endless-number": ({"size": [2, 3], "counts": "oooooooo0"}, "a number of 9 characters"),
    "cut-between-numbers": ({"size": [2, 3], "counts": "23"}, "add up to 5 pixels"),
    "too-many": ({"size": [2, 3], "counts": "233"}, "add up to 8 pixels"),
    "negative-run": ({"size": [2, 3], "counts": "O6"}, "a run of -1 pixels in a mask of 2 x 3"),
    "too-long-run": ({"size": [2, 3], "counts": [2**40]}, "a run of 1099511627776 pixels"),
    "floats": ({"size": [2, 3], "counts": [6.0]}, "list of integers, got list"),
    "nested": ({"size": [2, 3], "counts": [[6]]}, "list of integers"),
    "ragged": ({"size": [2, 3], "counts": [[6], [1, 2]]}, "list of integers"),
    "polygon": ({"size": [2, 3], "counts": None}, "list of integers, got NoneType"),
}


@pytest.mark.parametrize("read", [decode_coco_rle, area_px, bbox_xywh])
@pytest.mark.parametrize(("rle", "message"), DAMAGED.values(), ids=DAMAGED.keys())
def test_damage_is_named(read: Callable[[object], object], rle: object, message: str) -> None:
    with pytest.raises(MaskError, match=message):
        read(rle)


@given(counts=st.binary(max_size=12))
def test_any_string_is_read_or_refused_with_a_mask_error(counts: bytes) -> None:
    try:
        mask = decode_coco_rle({"size": [2, 3], "counts": counts})
    except MaskError:
        return
    assert mask.shape == (2, 3)
