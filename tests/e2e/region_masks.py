"""Regions as Label Studio sends and stores them, made into masks to be compared with the truth."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sam_backend.masks.rle_brush import decode_brush_rle

FINE = 8
"""A polygon is drawn this many times larger, since its corners lie between pixels."""


def is_mask(region: dict[str, Any]) -> bool:
    """Whether a region is a brush mask, a bitmask or a polygon."""
    return bool({"rle", "imageDataURL", "points"} & region["value"].keys())


def mask_of(region: dict[str, Any]) -> NDArray[np.bool_]:
    """Return the mask of a brush, bitmask or polygon region, (h, w)."""
    value, image_hw = region["value"], (region["original_height"], region["original_width"])
    if "rle" in value:
        return decode_brush_rle(value["rle"], image_hw)
    if "imageDataURL" in value:
        return _bitmask(value["imageDataURL"], image_hw)
    return _polygon(value["points"], image_hw)


def iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return how well two masks agree, 0 to 1."""
    return float((one & other).sum() / (one | other).sum())


def _bitmask(data_url: str, image_hw: tuple[int, int]) -> NDArray[np.bool_]:
    with Image.open(io.BytesIO(base64.b64decode(data_url.partition(",")[2]))) as picture:
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    assert alpha.shape == image_hw
    return np.asarray(alpha > 0)


def _polygon(points_pct: list[list[float]], image_hw: tuple[int, int]) -> NDArray[np.bool_]:
    height, width = image_hw
    canvas = Image.new("1", (width * FINE, height * FINE))
    corners = [(x / 100 * width * FINE, y / 100 * height * FINE) for x, y in points_pct]
    ImageDraw.Draw(canvas).polygon(corners, fill=1)
    middle = FINE // 2
    return np.asarray(canvas)[middle::FINE, middle::FINE]
