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
        ({"points": [(np.nan, 1, True)]}, "points need finite coordinates"),
        ({"box_xyxy": [1, 2, 3]}, "a box needs 4 numbers"),
        ({"box_xyxy": [1, 2, np.inf, 3]}, "a box needs finite coordinates"),
        ({"box_xyxy": [5, 2, 5, 9]}, "the box 5,2,5,9 has no area"),
        ({"box_xyxy": [5, 9, 8, 2]}, "right > left and bottom > top"),
        ({"mask_logits": np.zeros((1, 4, 4), np.float32)}, r"a mask prompt needs the shape \(h, w\), got \(1, 4, 4\)"),
    ],
    ids=["nothing", "nan", "three numbers", "infinite", "no width", "upside down", "mask with a batch"],
)
def test_prompts_that_make_no_sense_are_refused(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        Prompts.of(**arguments)


def test_every_point_needs_a_label() -> None:
    with pytest.raises(PromptError, match=r"2 labels need points of shape \(2, 2\), got \(1, 2\)"):
        Prompts(points_xy=np.zeros((1, 2), np.float32), is_foreground=np.ones(2, np.bool_))


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
