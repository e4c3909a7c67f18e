from collections.abc import Callable

import numpy as np
import pytest

from sam_backend.errors import MaskError
from sam_backend.masks.check import MAX_PX, check_mask, checked_hw
from sam_backend.masks.png import encode_mask_png
from sam_backend.masks.polygons import mask_to_polygons
from sam_backend.masks.rle_brush import encode_brush_rle
from sam_backend.masks.rle_coco import encode_coco_rle

WRONG_MASKS = {
    "list": ([[True, False]], "got list"),
    "uint8": (np.ones((2, 2), np.uint8), "got uint8: compare it first, as in mask > 0"),
    "logits": (np.ones((2, 2), np.float32), "got float32"),
    "stack": (np.ones((3, 2, 2), np.bool_), r"got \(3, 2, 2\): give one mask at a time"),
    "flat": (np.ones(4, np.bool_), r"got \(4,\)"),
    "no-rows": (np.ones((0, 4), np.bool_), "the height 0 and the width 4"),
    "no-columns": (np.ones((4, 0), np.bool_), "the height 4 and the width 0"),
}


@pytest.mark.parametrize(("mask", "message"), WRONG_MASKS.values(), ids=WRONG_MASKS.keys())
def test_what_is_no_mask_is_refused_with_what_came(mask: object, message: str) -> None:
    with pytest.raises(MaskError, match=message):
        check_mask(mask)


@pytest.mark.parametrize("encode", [encode_coco_rle, encode_brush_rle, encode_mask_png, mask_to_polygons])
def test_every_encoder_refuses_what_is_no_mask(encode: Callable[[object], object]) -> None:
    with pytest.raises(MaskError, match="got uint8"):
        encode(np.ones((2, 2), np.uint8))


WRONG_SIZES = {
    "one-number": ([4], "two integers"),
    "three-numbers": ([4, 4, 4], "two integers"),
    "floats": ([4.0, 4.0], "two integers"),
    "no-sequence": (4, "two integers"),
    "zero": ([0, 4], "at least one pixel"),
    "negative": ([4, -4], "at least one pixel"),
    "huge": ([MAX_PX, 2], "at most 1073741823 pixels"),
}


@pytest.mark.parametrize(("size_hw", "message"), WRONG_SIZES.values(), ids=WRONG_SIZES.keys())
def test_what_is_no_size_is_refused(size_hw: object, message: str) -> None:
    with pytest.raises(MaskError, match=message):
        checked_hw(size_hw)


def test_a_size_of_numpy_integers_becomes_plain_ones() -> None:
    size_hw = checked_hw(np.array([3, 4]))
    assert size_hw == (3, 4)
    assert [type(side) for side in size_hw] == [int, int]
