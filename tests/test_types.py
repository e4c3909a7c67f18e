import subprocess
import sys

import numpy as np
import pytest

import sam_backend
from sam_backend.errors import PromptError
from sam_backend.types import MaskPrediction, Prompts


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "no prompt came"),
        ({"points": [(10, 10)]}, r"a point is \(x, y, is_foreground\), got \(10, 10\): say True for the object"),
        ({"points": [(np.nan, 1, True)]}, "points need finite coordinates"),
        ({"box_xyxy": [1, 2, 3]}, "a box needs 4 numbers"),
        ({"box_xyxy": [1, 2, np.inf, 3]}, "a box needs finite coordinates"),
        ({"box_xyxy": [5, 2, 5, 9]}, "the box 5,2,5,9 has no area"),
        ({"box_xyxy": [5, 9, 8, 2]}, "right > left and bottom > top"),
        ({"mask_logits": np.zeros((1, 4, 4), np.float32)}, r"a mask prompt needs the shape \(h, w\), got \(1, 4, 4\)"),
    ],
    ids=["nothing", "no label", "nan", "three numbers", "infinite", "no width", "upside down", "mask with a batch"],
)
def test_prompts_that_make_no_sense_are_refused(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        Prompts.of(**arguments)


def test_every_point_needs_a_label() -> None:
    with pytest.raises(PromptError, match=r"2 labels need points of shape \(2, 2\), got \(1, 2\)"):
        Prompts(points_xy=np.zeros((1, 2), np.float32), is_foreground=np.ones(2, np.bool_))


@pytest.mark.parametrize("labels", [[1, 0], np.array([1, 0]), np.array([1, 0], np.uint8), [True, False], [True, 0]])
def test_labels_may_be_numbers_as_in_the_official_api(labels: object) -> None:
    prompts = Prompts(points_xy=np.zeros((2, 2), np.float32), is_foreground=labels)
    assert prompts.is_foreground.dtype == np.bool_
    assert prompts.is_foreground.tolist() == [True, False]
    assert Prompts.of(points=[(4, 5, 1), (6, 7, 0)]).is_foreground.tolist() == [True, False]


def test_arrays_are_kept_and_lists_become_arrays() -> None:
    points_xy, labels, box_xyxy = np.array([[1.5, 2]]), np.array([True]), np.array([1, 2, 3, 4])
    prompts = Prompts(points_xy, labels, box_xyxy)
    assert (prompts.points_xy is points_xy, prompts.is_foreground is labels, prompts.box_xyxy is box_xyxy) == (
        True,
    ) * 3
    listed = Prompts(points_xy=[[1.5, 2]], is_foreground=[True], box_xyxy=[1, 2, 3, 4])
    np.testing.assert_array_equal(listed.points_xy, points_xy)
    np.testing.assert_array_equal(listed.box_xyxy, box_xyxy)


ODD = {
    "padding": ({"is_foreground": [-1]}, r"labels are True or 1 on the object, False or 0 beside it, got \[-1\]"),
    "shares": ({"is_foreground": np.array([0.5])}, r"labels are True or 1 .*, got \[0\.5\]"),
    "words": ({"is_foreground": ["yes"]}, r"labels are True or 1 .*, got \['yes'\]"),
    "points in words": ({"points_xy": [["a", "b"]]}, r"points came as \[\['a', 'b'\]\]: give an array of numbers"),
    "ragged points": ({"points_xy": [[1, 2], [3]]}, "points came as .*: give an array of numbers"),
    "points of text": ({"points_xy": np.array([["a", "b"]])}, "points came as an array of <U1: give an array"),
    "a flat list": ({"points_xy": [10, 10]}, r"1 labels need points of shape \(1, 2\), got \(2,\)"),
    "a box in words": ({"box_xyxy": ["a"] * 4}, "a box came as .*: give an array of numbers"),
}


@pytest.mark.parametrize(("arguments", "sentence"), ODD.values(), ids=ODD.keys())
def test_what_is_no_array_of_numbers_is_refused(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        Prompts(**({"points_xy": np.ones((1, 2)), "is_foreground": np.ones(1, np.bool_)} | arguments))


def test_the_best_mask_is_the_one_trusted_most() -> None:
    iou = np.array([0.2, 0.9, 0.5], np.float32)
    prediction = MaskPrediction(np.zeros((3, 2, 2), np.bool_), iou, np.zeros((3, 1, 1), np.float32))
    assert prediction.best == 1


@pytest.mark.parametrize("name", sam_backend.__all__)
def test_public_names_are_there(name: str) -> None:
    assert getattr(sam_backend, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = sam_backend.Nothing


def test_types_masks_and_wire_import_no_torch() -> None:
    modules = (
        "sam_backend.types, sam_backend.masks.polygons, sam_backend.masks.rle_brush, sam_backend.label_studio.response"
    )
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules or 'flask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
