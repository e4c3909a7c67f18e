"""What COCO's and SA-1B's JSON have in common: the size of a picture, and annotations with a ``segmentation``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from sam_backend.errors import DatasetError, MaskError
from sam_backend.masks.polygons import polygons_to_mask
from sam_backend.masks.rle_coco import area_px, decode_coco_rle
from sam_backend.training.data.stored import LazyMasks, MaskDecoder, SkippedItems
from sam_backend.types import Polygon


def check_stated_size(name: str, image_hw: tuple[int, int], record: object) -> None:
    """Let a picture pass whose size is what its record (``width``, ``height``) says, or whose record says nothing.

    Raises:
        DatasetError: they differ, as where the annotations were made on the picture before its EXIF turn.
    """
    stated = (record.get("height"), record.get("width")) if isinstance(record, Mapping) else (None, None)
    if None not in stated and stated != image_hw:
        raise DatasetError(
            f"{name} is {image_hw[1]} x {image_hw[0]} px, but its annotations are of a picture of "
            f"{stated[1]} x {stated[0]}: give the picture they were made on"
        )


def annotation_masks(
    annotations: Iterable[object], name: str, image_hw: tuple[int, int], skipped: SkippedItems
) -> LazyMasks:
    """The masks of one picture's annotations; the damaged ones are named in ``skipped``."""
    decoders: list[MaskDecoder] = []
    for index, annotation in enumerate(annotations):
        try:
            decoders.append(_decoder(_segmentation(annotation), image_hw))
        except MaskError as error:
            skipped.add(f"annotation {annotation_id(annotation, index)} of {name}", error)
    return LazyMasks(decoders)


def annotation_id(annotation: object, index: int) -> object:
    """What to call an annotation in a message: its id, or its place in the list (from 0) if it has none."""
    return annotation.get("id", f"[{index}]") if isinstance(annotation, Mapping) else f"[{index}]"


def _segmentation(annotation: object) -> object:
    segmentation = annotation.get("segmentation") if isinstance(annotation, Mapping) else None
    if not segmentation:
        raise MaskError("it has no segmentation: a box alone is no mask")
    return segmentation


def _decoder(segmentation: object, image_hw: tuple[int, int]) -> MaskDecoder:
    """Check a segmentation, without decoding it, for a picture of ``image_hw``."""
    if isinstance(segmentation, Mapping):
        area_px(segmentation)
        _check_rle_size(segmentation, image_hw)
        return partial(decode_coco_rle, segmentation)
    if not isinstance(segmentation, list):
        raise MaskError(f"a segmentation is an RLE or a list of polygons, got {type(segmentation).__name__}")
    return partial(polygons_to_mask, [_polygon(corners) for corners in segmentation], image_hw)


def _check_rle_size(rle: Mapping[str, Any], image_hw: tuple[int, int]) -> None:
    height, width = rle["size"]
    if (height, width) != image_hw:
        raise MaskError(f"its RLE is of a picture of {width} x {height} px, but the picture has {image_hw[::-1]}")


def _polygon(corners: object) -> Polygon:
    """Read ``[x, y, x, y, ...]``."""
    try:
        numbers = np.asarray(corners, np.float64)
    except (TypeError, ValueError):
        raise MaskError("a polygon is a list of numbers x, y, x, y, ..., got other things in it") from None
    if numbers.ndim != 1 or len(numbers) % 2 or len(numbers) < 6:
        raise MaskError(f"a polygon is a list x, y, x, y, ... of 3 corners or more, got the shape {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise MaskError("a polygon has finite coordinates, got NaN or infinity in it")
    return Polygon(exterior_xy=numbers.reshape(-1, 2))
