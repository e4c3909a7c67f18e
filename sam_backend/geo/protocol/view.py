"""What the model is to be shown: a part of a raster, or a picture that the client sends."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from affine import Affine

from sam_backend.errors import RequestError
from sam_backend.geo.protocol.fields import Fields
from sam_backend.geo.protocol.kinds import PATH, Kind, numbers, text, whole_number
from sam_backend.geo.protocol.options import PIXELS, pixel_keywords
from sam_backend.geo.stretch import STRETCH_PERCENT
from sam_backend.geo.tiles import PixelRect

MAX_SIDE_PX = 4096
"""Of a view."""


@dataclass(frozen=True, slots=True)
class RasterView:
    """A rectangle of a raster where the engine runs."""

    raster: Path

    source_rect: PixelRect
    """In the raster's own pixels; may reach beyond it."""

    bands: tuple[int, ...] | None = None
    stretch_percent: tuple[float, float] = STRETCH_PERCENT
    ground_size_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class PictureView:
    """A picture, and where it lies."""

    data: bytes
    """Of a PNG or JPEG file."""

    transform: Affine
    """From the picture's pixels to map coordinates."""


View: TypeAlias = RasterView | PictureView


def take_view(fields: Fields) -> View:
    """Take the fields of a view.

    Raises:
        RequestError: there is none, or it can't be understood.
    """
    if fields.has("picture") == fields.has("raster"):
        raise RequestError(
            f"{fields.operation} needs one view: give raster and view_px, or picture and transform, and not both"
        )
    return _picture_view(fields) if fields.has("picture") else _raster_view(fields)


def check_side(width_px: int, height_px: int) -> None:
    """Make sure that a view isn't too large.

    Raises:
        RequestError: it is.
    """
    if max(width_px, height_px) > MAX_SIDE_PX:
        raise RequestError(
            f"the view has {width_px} x {height_px} px, more than {MAX_SIDE_PX} a side: show less, or smaller"
        )


def _raster_view(fields: Fields) -> RasterView:
    raster: Path = fields.needed("raster", PATH)
    left, top, width, height = fields.needed("view_px", _VIEW_PX)
    told = pixel_keywords(fields.told(PIXELS))
    check_side(width, height)
    return RasterView(raster, PixelRect(left, top, left + width, top + height), **told)


def _picture_view(fields: Fields) -> PictureView:
    return PictureView(fields.needed("picture", _PICTURE), fields.needed("transform", _TRANSFORM))


def _view_px(value: object) -> tuple[int, ...]:
    left, top, width, height = (whole_number(one) for one in numbers(value, 4))
    if min(width, height) < 1:
        raise ValueError
    return left, top, width, height


def _transform(value: object) -> Affine:
    transform = Affine(*numbers(value, 6))
    if transform.is_degenerate:
        raise ValueError
    return transform


def _picture(value: object) -> bytes:
    try:
        return base64.b64decode(text(value), validate=True)
    except binascii.Error:
        raise ValueError from None


_VIEW_PX = Kind("four whole numbers, [left, top, width, height] with at least one pixel", _view_px, _view_px)
_TRANSFORM = Kind("six numbers, [a, b, c, d, e, f], that span an area", _transform, _transform)
_PICTURE = Kind("a PNG or JPEG in base64", _picture, _picture)
