"""Whether two generators found the same masks; where they differ, how near to zero the logits lie there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from segment_anything import SamPredictor

from benchmarks.suite.exact import Rounding, measure_rounding
from benchmarks.suite.networks import Networks
from sam_backend.masks.rle_coco import decode_coco_rle

DECISIVE_LOGIT = 1e-4
"""A pixel whose logit is nearer to zero may fall on either side: the sums are taken in another order."""

MOST_LISTED = 12
SAME_IOU = 1e-3


def compare_records(
    ours: Sequence[dict[str, Any]],
    official: Sequence[dict[str, Any]],
    networks: Networks,
    image: NDArray[np.uint8],
    features: Any,  # noqa: ANN401
) -> tuple[str, ...]:
    """Sentences on how records (with COCO RLEs) of one picture agree.

    Args:
        ours: records.
        official: records.
        networks: that gave both.
        image: (h, w, 3).
        features: the official embedding of the picture.
    """
    pairs = [(one, _match(one, official)) for one in ours]
    matched = [(one, other) for one, other in pairs if other is not None]
    differing = [(one, other) for one, other in matched if one["segmentation"] != other["segmentation"]]
    is_whole = len(matched) == len(ours) == len(official)
    counts = f"ours {len(ours)} masks, official {len(official)}, {'' if is_whole else 'NOT all, '}{len(matched)} alike"
    remarks = [f"{counts}; {len(matched) - len(differing)} have the same RLE to the byte"]
    if differing:
        remarks.append(_tell(_differing_pixels(differing, networks, image, features), len(differing)))
        points_xy = np.array([one["point_coords"][0] for one, _ in differing])
        remarks.append(_tell_rounding(measure_rounding(networks, features, points_xy, image.shape[:2])))
    return tuple(remarks)


def _match(one: dict[str, Any], others: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The record of the same point and reading; readings of a point are told apart by their predicted IoU."""
    same_point = [other for other in others if np.allclose(other["point_coords"], one["point_coords"])]
    near = [other for other in same_point if abs(other["predicted_iou"] - one["predicted_iou"]) < SAME_IOU]
    return min(near, key=lambda other: abs(other["predicted_iou"] - one["predicted_iou"]), default=None)


def _differing_pixels(
    pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]],
    networks: Networks,
    image: NDArray[np.uint8],
    features: Any,  # noqa: ANN401
) -> list[tuple[int, int, float]]:
    """(x, y, logit of the official code) of each."""
    predictor = SamPredictor(networks.official)
    predictor.features, predictor.is_image_set = features, True
    predictor.original_size = image.shape[:2]
    predictor.input_size = predictor.transform.get_preprocess_shape(
        *image.shape[:2], networks.official.image_encoder.img_size
    )
    found: list[tuple[int, int, float]] = []
    for one, other in pairs:
        mine, theirs = decode_coco_rle(one["segmentation"]), decode_coco_rle(other["segmentation"])
        logits, iou, _ = predictor.predict(
            np.array(one["point_coords"]), np.ones(1, np.int64), multimask_output=True, return_logits=True
        )
        reading = np.abs(iou - one["predicted_iou"]).argmin()
        found += [
            (int(x), int(y), float(logits[reading, y, x])) for y, x in zip(*np.nonzero(mine != theirs), strict=True)
        ]
    return found


def _tell(pixels: Sequence[tuple[int, int, float]], n_masks: int) -> str:
    greatest = max(abs(logit) for _, _, logit in pixels)
    verdict = "all within" if greatest < DECISIVE_LOGIT else "NOT all within"
    worst_first = sorted(pixels, key=lambda pixel: -abs(pixel[2]))[:MOST_LISTED]
    listed = ", ".join(f"({x}, {y}) {logit:.1e}" for x, y, logit in worst_first)
    more = "" if len(pixels) <= MOST_LISTED else f" and {len(pixels) - MOST_LISTED} nearer to zero"
    return (
        f"{len(pixels)} pixels of {n_masks} masks differ, {verdict} {DECISIVE_LOGIT:g} of a logit's threshold: "
        f"(x, y) logit {listed}{more}"
    )


def _tell_rounding(rounding: Rounding) -> str:
    return (
        f"of these clicks, where logits reach {rounding.greatest_logit:.0f}, those of the official code lie up to "
        f"{rounding.official:.1e} from the same network's in double precision, ours up to {rounding.ours:.1e}"
    )
