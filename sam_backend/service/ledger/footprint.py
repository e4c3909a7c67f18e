"""What the regions of one object cover, so that what was answered can be laid over what was submitted. Image px.

Regions of pixels (brush, bitmask) are a mask, kept as COCO RLE. Regions of corners (polygon, vector, rectangle,
ellipse) are kept as their outlines and compared as areas: a mask would hide moves of less than a pixel, and flip pixels
whose centre an edge goes through.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from sam_backend.errors import MaskError
from sam_backend.label_studio.frame import percent_to_image_xy
from sam_backend.masks.polygons import polygons_to_mask
from sam_backend.masks.rle_coco import CocoRle, decode_coco_rle, encode_coco_rle
from sam_backend.masks.turned_box import TurnedBox, turned_axes
from sam_backend.training.data.label_studio_regions import region_mask
from sam_backend.types import Polygon

SAME_OUTLINE_IOU = 1 - 1e-6
"""From here on two outlines are the same one: a browser may round the last digits."""

_ELLIPSE_CORNERS = 128
_PIXELS = ("rle", "imageDataURL")
_RECTANGLE, _ELLIPSE = ("x", "y", "width", "height"), ("x", "y", "radiusX", "radiusY")


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """What an object covers, in px of a picture of ``image_hw``: a mask, or areas within outlines."""

    image_hw: tuple[int, int]

    rle: CocoRle | None = None
    """The mask; None where there are outlines."""

    rings_xy: tuple[NDArray[np.float64], ...] = ()
    """Each (n, 2): what lies within any of them."""

    def to_bytes(self) -> bytes:
        """JSON: ``{"size": [h, w], "counts": ...}``, the mask's COCO RLE, or ``{"size": [h, w], "rings": ...}``."""
        if self.rle is not None:
            return orjson.dumps(self.rle)
        return orjson.dumps({"size": self.image_hw, "rings": [ring.tolist() for ring in self.rings_xy]})

    @classmethod
    def from_bytes(cls, data: bytes) -> Footprint:
        """Read it back."""
        stored = orjson.loads(data)
        height, width = stored["size"]
        if "counts" in stored:
            return cls((height, width), rle=CocoRle(size=[height, width], counts=stored["counts"]))
        return cls((height, width), rings_xy=tuple(np.array(ring, np.float64) for ring in stored["rings"]))

    def is_same(self, other: Footprint) -> bool:
        """Whether nobody has changed anything: the same pixels, or the same outline."""
        if self.rle is not None and other.rle is not None:
            return self.rle == other.rle
        return self.iou(other) >= SAME_OUTLINE_IOU

    def iou(self, other: Footprint) -> float:
        """Area of what both cover over area of what either does, 0 to 1; 1 where both are empty.

        Raises:
            MaskError: they are of pictures of different sizes.
        """
        if self.image_hw != other.image_hw:
            raise MaskError(
                f"footprints on pictures of {self.image_hw} and {other.image_hw} px (height, width) were to be "
                "compared: give two of one picture"
            )
        if self.rle is None and other.rle is None:
            return _iou_of_areas(self._area(), other._area())
        return _iou_of_masks(self.mask(), other.mask())

    def mask(self) -> NDArray[np.bool_]:
        """(h, w). True = object."""
        if self.rle is not None:
            return decode_coco_rle(self.rle)
        return polygons_to_mask([Polygon(ring_xy) for ring_xy in self.rings_xy], self.image_hw)

    def _area(self) -> shapely.Geometry:
        return shapely.union_all([shapely.make_valid(shapely.Polygon(ring_xy)) for ring_xy in self.rings_xy])


def is_object(region: Mapping[str, Any]) -> bool:
    """Whether a region covers anything: no key point, no choice, no text."""
    value = region.get("value")
    if not isinstance(value, Mapping):
        return False
    return any(name in value for name in (*_PIXELS, "points", "vertices")) or any(
        all(name in value for name in names) for names in (_RECTANGLE, _ELLIPSE)
    )


def footprint_of(regions: Sequence[Mapping[str, Any]], image_hw: tuple[int, int]) -> Footprint:
    """What regions of one object cover together.

    Args:
        regions: as Label Studio sends and stores them.
        image_hw: the picture's size in px, as Label Studio knows it. Regions of a picture of another size aren't even
            decoded: the sender may have made it up.

    Raises:
        MaskError: a region is damaged, of a kind that covers nothing, or of a picture of another size.
    """
    for region in regions:
        if (region.get("original_height"), region.get("original_width")) != image_hw:
            raise MaskError(f"a region isn't of a picture of {image_hw} px (height, width): give one of that picture")
    if all(_is_of_pixels(region) for region in regions):
        return Footprint(
            image_hw, rle=encode_coco_rle(_union([_mask(region, image_hw) for region in regions], image_hw))
        )
    if any(_is_of_pixels(region) for region in regions):
        raise MaskError("one object has regions of pixels and of corners: give those of one tag")
    return Footprint(image_hw, rings_xy=tuple(_ring_xy(region["value"], image_hw) for region in regions))


def _is_of_pixels(region: Mapping[str, Any]) -> bool:
    value = region.get("value")
    return isinstance(value, Mapping) and any(name in value for name in _PIXELS)


def _mask(region: Mapping[str, Any], image_hw: tuple[int, int]) -> NDArray[np.bool_]:
    decode = region_mask(region, image_hw)
    if decode is None:
        raise MaskError(f"a region of type {region.get('type')!r} has no mask: give a brush or bitmask region")
    return decode()


def _union(masks: Sequence[NDArray[np.bool_]], image_hw: tuple[int, int]) -> NDArray[np.bool_]:
    together = np.zeros(image_hw, np.bool_)
    for mask in masks:
        together |= mask
    return together


def _ring_xy(value: Mapping[str, Any], image_hw: tuple[int, int]) -> NDArray[np.float64]:
    """(n, 2) corners of a region that is no mask."""
    try:
        ring_xy = _corners_xy(value, image_hw)
    except (TypeError, ValueError, KeyError):
        raise MaskError("a region's corners are no numbers: give what Label Studio stores") from None
    if ring_xy.ndim != 2 or ring_xy.shape[1] != 2 or len(ring_xy) < 3 or not np.isfinite(ring_xy).all():
        raise MaskError(f"an outline has 3 finite corners or more, got the shape {ring_xy.shape}")
    return ring_xy


def _corners_xy(value: Mapping[str, Any], image_hw: tuple[int, int]) -> NDArray[np.float64]:
    if "points" in value:
        return percent_to_image_xy(np.array(value["points"], np.float64), image_hw)
    if "vertices" in value:
        corners_pct = [(vertex["x"], vertex["y"]) for vertex in value["vertices"]]
        return percent_to_image_xy(np.array(corners_pct, np.float64), image_hw)
    names = _ELLIPSE if "radiusX" in value else _RECTANGLE
    pairs_pct = np.array([value[name] for name in names], np.float64).reshape(2, 2)
    (x, y), (across, down) = percent_to_image_xy(pairs_pct, image_hw).tolist()
    rotation_deg = float(value.get("rotation") or 0)
    if names is _ELLIPSE:
        return _ellipse_xy((x, y), (across, down), rotation_deg)
    return TurnedBox(corner_xy=(x, y), size_wh=(across, down), rotation_deg=rotation_deg).corners_xy()


def _ellipse_xy(
    centre_xy: tuple[float, float], radii_xy: tuple[float, float], rotation_deg: float
) -> NDArray[np.float64]:
    along, down = turned_axes(math.radians(rotation_deg))
    angles = np.linspace(0, 2 * math.pi, _ELLIPSE_CORNERS, endpoint=False)[:, None]  # (n, 1)
    ring_xy: NDArray[np.float64] = (
        np.array(centre_xy) + radii_xy[0] * np.cos(angles) * along + radii_xy[1] * np.sin(angles) * down
    )
    return ring_xy


def _iou_of_areas(one: shapely.Geometry, other: shapely.Geometry) -> float:
    either = shapely.area(shapely.union(one, other))
    return float(shapely.area(shapely.intersection(one, other)) / either) if either else 1.0


def _iou_of_masks(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    either = np.count_nonzero(one | other)
    return float(np.count_nonzero(one & other) / either) if either else 1.0
