"""Geometry of masks that have a place in the raster."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sam_backend.geo.tiles import PixelRect, PlacedMask


def rect_of(placed: PlacedMask) -> PixelRect:
    """The rectangle of its array."""
    h, w = placed.mask.shape
    return PixelRect(placed.left_px, placed.top_px, placed.left_px + w, placed.top_px + h)


def window(placed: PlacedMask, rect: PixelRect) -> NDArray[np.bool_]:
    """Its pixels in a rectangle inside `rect_of` it; a view."""
    rows = slice(rect.top_px - placed.top_px, rect.bottom_px - placed.top_px)
    columns = slice(rect.left_px - placed.left_px, rect.right_px - placed.left_px)
    return placed.mask[rows, columns]


def placed_in(placed: PlacedMask, around: PixelRect) -> NDArray[np.bool_]:
    """Its pixels in a rectangle that holds all of it: (h, w) of that one."""
    rect = rect_of(placed).moved(-around.left_px, -around.top_px)
    mask = np.zeros((around.height_px, around.width_px), np.bool_)
    mask[rect.top_px : rect.bottom_px, rect.left_px : rect.right_px] = placed.mask
    return mask


def cropped(placed: PlacedMask) -> PlacedMask:
    """The same without empty rows and columns around it; of shape (0, 0) where nothing is set."""
    rows, columns = np.flatnonzero(placed.mask.any(axis=1)), np.flatnonzero(placed.mask.any(axis=0))
    if not len(rows):
        return PlacedMask(placed.left_px, placed.top_px, np.zeros((0, 0), np.bool_))
    mask = placed.mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return PlacedMask(placed.left_px + int(columns[0]), placed.top_px + int(rows[0]), mask)


def innermost_xy(placed: PlacedMask, rect: PixelRect) -> tuple[float, float]:
    """The centre of the pixel in a rectangle that lies deepest in the mask; of equals, the first."""
    depth_px = np.asarray(ndimage.distance_transform_edt(np.pad(window(placed, rect), 1)))[1:-1, 1:-1]
    y, x = np.unravel_index(np.argmax(depth_px), depth_px.shape)
    return rect.left_px + int(x) + 0.5, rect.top_px + int(y) + 0.5


def shared_area_px(one: PlacedMask, other: PlacedMask) -> int:
    """How many pixels both cover."""
    shared = rect_of(one).intersection(rect_of(other))
    if shared.is_empty:
        return 0
    return int(np.count_nonzero(window(one, shared) & window(other, shared)))


def mask_iou(one: PlacedMask, other: PlacedMask) -> float:
    """Intersection over union; 0 for two empty masks."""
    shared_px = shared_area_px(one, other)
    union_px = int(np.count_nonzero(one.mask)) + int(np.count_nonzero(other.mask)) - shared_px
    return shared_px / union_px if union_px else 0.0


def place_key(placed: PlacedMask) -> tuple[int, int, int, int, int, int]:
    """What orders masks the same way wherever they come from; equal only for the same mask (or a rare checksum)."""
    rect = rect_of(placed)
    area_px = int(np.count_nonzero(placed.mask))
    checksum = zlib.crc32(np.packbits(placed.mask).tobytes())
    return rect.top_px, rect.left_px, rect.bottom_px, rect.right_px, area_px, checksum
