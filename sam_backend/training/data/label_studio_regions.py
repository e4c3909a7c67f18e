"""From a region of a Label Studio annotation to a mask: brush, polygon and bitmask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import ImageSourceError, MaskError
from sam_backend.label_studio.data_uri import decode_data_uri
from sam_backend.label_studio.frame import percent_to_image_xy, resample_mask
from sam_backend.masks.png import decode_mask_png
from sam_backend.masks.polygons import polygons_to_mask
from sam_backend.masks.rle_brush import decode_brush_rle
from sam_backend.masks.rle_coco import decode_coco_rle, encode_coco_rle
from sam_backend.training.data.stored import LazyMasks, MaskDecoder, SkippedItems
from sam_backend.types import Polygon

MAX_BITMASK_BYTES = 100_000_000
LARGEST_STRETCH = 1.02
"""A mask's and a picture's ratios of sides may differ by so much: by rounding, where one was made smaller."""


def region_masks(regions: Iterable[object], where: str, image_hw: tuple[int, int], skipped: SkippedItems) -> LazyMasks:
    """The masks of one annotation's regions, for its picture of ``image_hw``.

    One object a region id: the editor stores a region once for each tag that gave it a label. Regions without a mask,
    such as rectangles, key points and choices, are no objects; damaged ones are named in ``skipped``.
    """
    decoders: list[MaskDecoder] = []
    ids_done: set[str] = set()
    for index, region in enumerate(regions):
        region_id = str(region.get("id", f"[{index}]")) if isinstance(region, Mapping) else f"[{index}]"
        if region_id in ids_done:
            continue
        try:
            decoder = region_mask(region, image_hw)
        except MaskError as error:
            skipped.add(f"region {region_id} of {where}", error)
            continue
        if decoder is not None:
            ids_done.add(region_id)
            decoders.append(decoder)
    return LazyMasks(decoders)


def region_mask(region: object, image_hw: tuple[int, int]) -> MaskDecoder | None:
    """The mask of one region in px of its picture; None if it is of a kind without mask.

    Raises:
        MaskError: it is damaged, or of a picture of other proportions.
    """
    value = region.get("value") if isinstance(region, Mapping) else None
    if not isinstance(region, Mapping) or not isinstance(value, Mapping):
        return None
    if "rle" in value:
        return _stored(decode_brush_rle(value["rle"], _original_hw(region)), image_hw)
    if "imageDataURL" in value:
        return _stored(_bitmask(value["imageDataURL"]), image_hw)
    if "points" in value:
        return partial(polygons_to_mask, [_polygon(value, image_hw)], image_hw)
    return None


def _original_hw(region: Mapping[str, Any]) -> tuple[int, int]:
    height, width = region.get("original_height"), region.get("original_width")
    if not isinstance(height, int) or not isinstance(width, int):
        raise MaskError("a brush region needs original_width and original_height: export it from Label Studio again")
    return height, width


def _stored(mask: NDArray[np.bool_], image_hw: tuple[int, int]) -> MaskDecoder:
    """Bring a mask to its picture's size and pack it: damage shows only when it is decoded, so that is done once."""
    stretch = mask.shape[0] * image_hw[1] / (mask.shape[1] * image_hw[0])
    if not 1 / LARGEST_STRETCH <= stretch <= LARGEST_STRETCH:
        raise MaskError(
            f"it was drawn on a picture of {mask.shape[1]} x {mask.shape[0]} px, but the picture has "
            f"{image_hw[1]} x {image_hw[0]}: give the picture it was drawn on"
        )
    return partial(decode_coco_rle, encode_coco_rle(resample_mask(mask, image_hw)))


def _bitmask(uri: object) -> NDArray[np.bool_]:
    try:
        return decode_mask_png(decode_data_uri(str(uri), MAX_BITMASK_BYTES))
    except ImageSourceError as error:
        raise MaskError(f"its bitmask is damaged ({error})") from None


def _polygon(value: Mapping[str, Any], image_hw: tuple[int, int]) -> Polygon:
    if value.get("closed") is False:
        raise MaskError("its polygon was never closed: finish it in the editor")
    try:
        points_pct = np.asarray(value["points"], np.float64)
    except (TypeError, ValueError):
        raise MaskError("its points are no numbers: wanted [[x, y], ...] in percent") from None
    if points_pct.ndim != 2 or points_pct.shape[1] != 2 or len(points_pct) < 3 or not np.isfinite(points_pct).all():
        raise MaskError(f"a polygon has 3 finite points [x, y] or more, got the shape {points_pct.shape}")
    return Polygon(exterior_xy=percent_to_image_xy(points_pct, image_hw))
