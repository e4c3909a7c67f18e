"""How automatic mask generation works: the official parameters, the paper's, and ours."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import OptionsError
from sam_backend.predict.automatic.grids import layer_grids
from sam_backend.predict.automatic.small_regions import SmallMasks


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AutomaticOptions:
    """Names and defaults of the official ``SamAutomaticMaskGenerator``; further ones change nothing by default."""

    points_per_side: int = 32
    """Of the grid on the whole picture."""

    points_per_batch: int = 64
    """Points decoded together; more need more memory."""

    pred_iou_thresh: float = 0.88
    """Masks of a predicted IoU at or below it go; 0 keeps all."""

    stability_score_thresh: float = 0.95
    """Masks of a stability score below it go; 0 keeps all."""

    stability_score_offset: float = 1.0
    """How far above and below its threshold a mask is cut to see how stable it is, in logits."""

    box_nms_thresh: float = 0.7
    """IoU of their boxes above which the worse of two masks of one crop goes."""

    crop_n_layers: int = 0
    """Layers of crops to run besides the whole picture; layer i has 2**i x 2**i of them."""

    crop_nms_thresh: float = 0.7
    """IoU of their boxes above which of two masks of different crops that of the larger crop goes."""

    crop_overlap_ratio: float = 512 / 1500
    """How far crops of the first layer overlap, as a share of the picture's short side."""

    crop_n_points_downscale_factor: int = 1
    """The grid of layer i has ``points_per_side / factor**i`` points along a side."""

    point_grids: tuple[NDArray[np.float64], ...] | None = None
    """Points (n, 2) of each layer instead of regular grids: x, y as shares of the crop's width and height."""

    min_mask_region_area: int = 0
    """Holes and islands of fewer pixels are filled and removed."""

    small_masks: SmallMasks = "keep_largest"
    """What becomes of a mask of small islands only: its largest one stays (official) or it goes (``drop``, paper)."""

    max_area_share: float | None = None
    """Masks that cover so much of the picture or more go; the paper has 0.95, the official code no such test."""

    mask_nms_thresh: float | None = None
    """IoU above which the worse of two masks goes; after all official steps."""

    containment_thresh: float | None = None
    """Share of the smaller of two masks above which, lying within the other, the worse of the two goes."""

    max_masks: int | None = None
    """So many at most, ranked by the mean of predicted IoU and stability score."""

    time_budget_s: float | None = None
    """Seconds after which no further points are decoded. Points are spread, so that none of the picture is left out."""

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            OptionsError: one makes no sense.
        """
        for name, (is_right, wanted) in _RULES.items():
            value = getattr(self, name)
            if value is not None and not is_right(value):
                raise OptionsError(f"{name} is {wanted}, got {value!r}")
        if self.point_grids is not None:
            _check_grids(self.point_grids, self.crop_n_layers)
        elif self.points_per_side < self.crop_n_points_downscale_factor**self.crop_n_layers:
            raise OptionsError(
                f"the grid of the last layer of crops has no point left: {self.points_per_side} points per side "
                f"divided {self.crop_n_layers} times by {self.crop_n_points_downscale_factor}; "
                "raise points_per_side or lower crop_n_points_downscale_factor"
            )

    @classmethod
    def preset(cls, name: str, **changes: Any) -> AutomaticOptions:  # noqa: ANN401 - any option's value
        """Options by a name of `PRESETS`, with some changed.

        Raises:
            OptionsError: the preset isn't known, or a changed value makes no sense.
        """
        if name not in PRESETS:
            raise OptionsError(f"the preset {name!r} isn't known: choose one of {', '.join(PRESETS)}")
        return cls(**(PRESETS[name] | changes))

    def grids(self) -> tuple[NDArray[np.float64], ...]:
        """The points (n, 2) of each layer, in the unit square."""
        if self.point_grids is not None:
            return self.point_grids
        return layer_grids(self.points_per_side, self.crop_n_layers, self.crop_n_points_downscale_factor)


PRESETS: dict[str, dict[str, Any]] = {
    "official": {},
    "sa1b": {
        "points_per_side": 32,
        "crop_n_layers": 2,
        "crop_n_points_downscale_factor": 2,
        "min_mask_region_area": 100,
        "small_masks": "drop",
        "max_area_share": 0.95,
    },
    "proposals": {
        "points_per_side": 64,
        "pred_iou_thresh": 0.0,
        "stability_score_thresh": 0.0,
        "box_nms_thresh": 0.9,
        "max_masks": 1000,
    },
}
"""The official defaults; how SA-1B was made (paper appendix B); object proposals for LVIS (paper section 7.3)."""


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 0)


def _is_positive_count(value: object) -> bool:
    return _is_count(value) and value != 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and bool(np.isfinite(value))


def _is_share(value: Any) -> bool:  # noqa: ANN401 - whatever the caller gave
    return _is_number(value) and bool(0 <= value <= 1)


_COUNT = (_is_count, "a whole number, 0 or more")
_POSITIVE_COUNT = (_is_positive_count, "a whole number, 1 or more")
_SHARE = (_is_share, "a number from 0 to 1")
_POSITIVE_SHARE = (lambda value: _is_share(value) and value > 0, "a number above 0 and up to 1")
_NOT_NEGATIVE = (lambda value: _is_number(value) and value >= 0, "a number, 0 or more")
_RULES = {
    "points_per_side": _POSITIVE_COUNT,
    "points_per_batch": _POSITIVE_COUNT,
    "pred_iou_thresh": _SHARE,
    "stability_score_thresh": _SHARE,
    "stability_score_offset": _NOT_NEGATIVE,
    "box_nms_thresh": _SHARE,
    "crop_n_layers": _COUNT,
    "crop_nms_thresh": _SHARE,
    "crop_overlap_ratio": (lambda value: _is_number(value) and 0 <= value < 1, "a number from 0 to below 1"),
    "crop_n_points_downscale_factor": _POSITIVE_COUNT,
    "min_mask_region_area": _COUNT,
    "small_masks": (lambda value: value in get_args(SmallMasks), " or ".join(get_args(SmallMasks))),
    "max_area_share": _POSITIVE_SHARE,
    "mask_nms_thresh": _SHARE,
    "containment_thresh": _SHARE,
    "max_masks": _POSITIVE_COUNT,
    "time_budget_s": _NOT_NEGATIVE,
}
"""What each option must be; those that may be None are checked where they aren't."""


def _check_grids(grids: tuple[NDArray[np.float64], ...], n_layers: int) -> None:
    if len(grids) != n_layers + 1:
        raise OptionsError(
            f"point_grids needs a grid for the picture and one for each layer of crops, {n_layers + 1} in all, "
            f"got {len(grids)}"
        )
    for grid in grids:
        if grid.ndim != 2 or grid.shape[1] != 2 or len(grid) == 0:
            raise OptionsError(f"a point grid has the shape (n, 2) with n >= 1, got {grid.shape}")
        if not ((grid >= 0) & (grid <= 1)).all():
            raise OptionsError("points of a grid are shares of the crop's width and height, from 0 to 1")


OPTION_NAMES = tuple(field.name for field in dataclasses.fields(AutomaticOptions))
"""In the order of the class."""
