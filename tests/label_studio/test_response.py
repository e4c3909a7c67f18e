import json
from typing import Any

import numpy as np
import pytest

from sam_backend.label_studio.labeling_config import Control
from sam_backend.label_studio.output import Output
from sam_backend.label_studio.response import regions_of, score, task_result
from sam_backend.label_studio.smart_prompt import PointPct, SmartPrompt
from sam_backend.masks.rle_brush import decode_brush_rle

BRUSH_LABELS = Output(Control("brushlabels", "tag", ("image",), frozenset(["Car"])), "Car")
BRUSH = Output(Control("brush", "bare", ("image",), frozenset()), None)


def _prompt(**changes: object) -> SmartPrompt:
    usual = {"to_name": "image", "label": "Car", "original_hw": (6, 8), "image_rotation": 0, "item_index": None}
    return SmartPrompt(**{**usual, "points": (PointPct(50, 50, True),), "rectangle": None, **changes})


def _mask(image_hw: tuple[int, int] = (6, 8)) -> np.ndarray:
    mask = np.zeros(image_hw, np.bool_)
    mask[: image_hw[0] // 2, image_hw[1] // 4 :] = True
    return mask


def _region(mask: np.ndarray, predicted_iou: float, prompt: SmartPrompt, output: Output) -> dict[str, Any]:
    (region,) = regions_of(mask, predicted_iou, prompt, [output])
    return region


def test_region_has_everything_label_studio_reads() -> None:
    region = _region(_mask(), 0.75, _prompt(), BRUSH_LABELS)
    rle = region["value"].pop("rle")
    np.testing.assert_array_equal(decode_brush_rle(rle, (6, 8)), _mask())
    assert len(region.pop("id")) == 10
    assert region == {
        "from_name": "tag",
        "to_name": "image",
        "type": "brushlabels",
        "original_width": 8,
        "original_height": 6,
        "image_rotation": 0,
        "value": {"format": "rle", "brushlabels": ["Car"]},
        "score": 0.75,
        "readonly": False,
        "origin": "prediction",
    }


def test_unlabelled_brush_carries_no_label() -> None:
    region = _region(_mask(), 0.5, _prompt(), BRUSH)
    assert (region["type"], region["from_name"], set(region["value"])) == ("brush", "bare", {"format", "rle"})


def test_item_index_and_rotation_are_echoed() -> None:
    region = _region(_mask(), 0.5, _prompt(item_index=0, image_rotation=90), BRUSH_LABELS)
    assert (region["item_index"], region["image_rotation"]) == (0, 90)


def test_mask_is_brought_to_the_size_the_editor_sees() -> None:
    region = _region(_mask((12, 16)), 0.5, _prompt(), BRUSH_LABELS)
    np.testing.assert_array_equal(decode_brush_rle(region["value"]["rle"], (6, 8)), _mask((6, 8)))


def test_mask_keeps_its_own_size_if_the_editor_named_none() -> None:
    region = _region(_mask((3, 4)), 0.5, _prompt(original_hw=None), BRUSH_LABELS)
    assert (region["original_width"], region["original_height"]) == (4, 3)


@pytest.mark.parametrize(
    ("predicted_iou", "expected"),
    [(0.5, 0.5), (1.2, 1.0), (-0.1, 0.0), (float("nan"), 0.0), (float("inf"), 0.0), (np.float32(0.25), 0.25)],
    ids=["inside", "above", "below", "not a number", "infinite", "numpy"],
)
def test_score_is_a_plain_number_from_0_to_1(predicted_iou: float, expected: float) -> None:
    assert score(predicted_iou) == expected
    assert type(score(predicted_iou)) is float


def test_ids_never_repeat() -> None:
    mask = _mask()
    assert len({_region(mask, 0.5, _prompt(), BRUSH)["id"] for _ in range(10_000)}) == 10_000


def test_result_is_strict_json_with_the_mean_score() -> None:
    regions = [_region(_mask(), np.float32(iou), _prompt(), BRUSH_LABELS) for iou in (0.5, 1.0)]
    result = json.loads(json.dumps(task_result(regions, "embedded-12345678"), allow_nan=False))
    assert (result["score"], result["model_version"], len(result["result"])) == (0.75, "embedded-12345678", 2)


def test_result_without_regions_has_no_score() -> None:
    assert task_result([], "v") == {"result": [], "score": 0.0, "model_version": "v"}
