from typing import Any

import numpy as np
import pytest

from sam_backend.errors import OptionsError
from sam_backend.predict.automatic.options import _RULES, OPTION_NAMES, PRESETS, AutomaticOptions

BAD = {
    "no points": ({"points_per_side": 0}, "points_per_side is a whole number, 1 or more, got 0"),
    "half a point": ({"points_per_batch": 2.5}, "points_per_batch is a whole number, 1 or more, got 2.5"),
    "percent": ({"pred_iou_thresh": 88.0}, "pred_iou_thresh is a number from 0 to 1, got 88.0"),
    "not a number": ({"stability_score_thresh": float("nan")}, "stability_score_thresh is a number from 0 to 1"),
    "text": ({"box_nms_thresh": "0.7"}, "box_nms_thresh is a number from 0 to 1, got '0.7'"),
    "negative": ({"stability_score_offset": -1.0}, "stability_score_offset is a number, 0 or more, got -1.0"),
    "true": ({"crop_n_layers": True}, "crop_n_layers is a whole number, 0 or more, got True"),
    "full overlap": ({"crop_overlap_ratio": 1}, "crop_overlap_ratio is a number from 0 to below 1, got 1"),
    "no area": ({"max_area_share": 0.0}, "max_area_share is a number above 0 and up to 1, got 0.0"),
    "unknown word": ({"small_masks": "burn"}, "small_masks is keep_largest or drop, got 'burn'"),
    "no time": ({"time_budget_s": -1}, "time_budget_s is a number, 0 or more, got -1"),
    "no grid left": (
        {"points_per_side": 3, "crop_n_layers": 2, "crop_n_points_downscale_factor": 2},
        "the grid of the last layer of crops has no point left: 3 points per side divided 2 times by 2",
    ),
    "grids and layers": ({"point_grids": (), "crop_n_layers": 1}, "one for each layer of crops, 2 in all, got 0"),
    "grid of triples": ({"point_grids": (np.zeros((2, 3)),)}, r"a point grid has the shape \(n, 2\) with n >= 1"),
    "empty grid": ({"point_grids": (np.zeros((0, 2)),)}, r"a point grid has the shape \(n, 2\) with n >= 1"),
    "grid in pixels": ({"point_grids": (np.array([[12.0, 4.0]]),)}, "points of a grid are shares of the crop's width"),
}


@pytest.mark.parametrize(("values", "sentence"), BAD.values(), ids=BAD.keys())
def test_a_value_that_makes_no_sense_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OptionsError, match=sentence):
        AutomaticOptions(**values)


def test_every_option_is_checked() -> None:
    assert set(_RULES) | {"point_grids"} == set(OPTION_NAMES)


def test_the_sa1b_preset_is_the_papers() -> None:
    options = AutomaticOptions.preset("sa1b")
    assert [len(grid) for grid in options.grids()] == [32**2, 16**2, 8**2]
    assert (options.min_mask_region_area, options.max_area_share, options.small_masks) == (100, 0.95, "drop")


def test_a_preset_can_be_changed() -> None:
    options = AutomaticOptions.preset("proposals", points_per_side=8)
    assert (options.points_per_side, options.box_nms_thresh, options.max_masks) == (8, 0.9, 1000)


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(OptionsError, match=f"'sa2' isn't known: choose one of {', '.join(PRESETS)}"):
        AutomaticOptions.preset("sa2")


def test_own_points_replace_the_grid() -> None:
    points = np.array([[0.2, 0.8]])
    assert AutomaticOptions(point_grids=(points,)).grids() == (points,)
