"""A vector layer as prompts: one feature asks for one object."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import shapely.affinity
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from sam_backend.errors import LayerError
from sam_backend.geo.frame import map_to_pixel_xy
from sam_backend.geo.tiles import PixelRect
from sam_backend.geo.vector_layer import layer_crs, polygon_pieces, read_vector_layer, to_crs
from sam_backend.masks.polygons import polygons_to_mask
from sam_backend.predict.frame import ImageFrame
from sam_backend.types import Polygon, Prompts

MASK_LOGIT = 8.0
"""What a mask prompt holds within a polygon; outside its negative. About the network's own sure answers."""

MIN_BOX_PX = 1.0
"""A polygon flatter than this is no box."""

_NO_LINES = "and a line is no outline: buffer or polygonise it, or take the box around it (kind boxes)"
_WHY_NO_OUTLINE = dict.fromkeys(("LineString", "MultiLineString", "LinearRing"), _NO_LINES)


class PromptKind(Enum):
    """How the features of a layer are to be taken."""

    POINTS = "points"
    """Each (multi)point: clicks on one object."""

    BOXES = "boxes"
    """Each polygon or line: the box around it."""

    POLYGONS = "polygons"
    """Each polygon: the box around it, a click in its widest place, and itself for a mask prompt."""


@dataclass(frozen=True, slots=True, eq=False)
class FeaturePrompt:
    """What one feature asks for, in run px."""

    feature_id: int

    points_xy: NDArray[np.float64]
    """(n, 2) clicks on the object."""

    box_xyxy: NDArray[np.float64] | None = None
    """(4,): left, top, right, bottom."""

    polygon: shapely.MultiPolygon | None = None
    """An outline known already, e.g. from an older picture."""

    @property
    def bounds_xyxy(self) -> NDArray[np.float64]:
        """(4,): around all of it."""
        corners_xy = self.points_xy if self.box_xyxy is None else self.box_xyxy.reshape(2, 2)
        return np.concatenate([corners_xy.min(axis=0), corners_xy.max(axis=0)])

    @property
    def shape(self) -> shapely.Geometry:
        """The outline, else the box, else the clicks."""
        if self.polygon is not None:
            return self.polygon
        return shapely.MultiPoint(self.points_xy) if self.box_xyxy is None else shapely.box(*self.box_xyxy.tolist())

    def moved(self, shift_xy_px: tuple[float, float]) -> FeaturePrompt:
        """The same elsewhere: (right, down)."""
        box_xyxy = None if self.box_xyxy is None else self.box_xyxy + np.tile(shift_xy_px, 2)
        polygon = None if self.polygon is None else shapely.affinity.translate(self.polygon, *shift_xy_px)
        return FeaturePrompt(self.feature_id, self.points_xy + shift_xy_px, box_xyxy, polygon)

    def prompts_in(self, rect: PixelRect) -> Prompts:
        """In pixels of a rectangle of the raster, such as a tile."""
        origin_xy = np.array([rect.left_px, rect.top_px])
        box_xyxy = None if self.box_xyxy is None else (self.box_xyxy - np.tile(origin_xy, 2)).astype(np.float32)
        points_xy = (self.points_xy - origin_xy).astype(np.float32)
        return Prompts(points_xy, np.ones(len(points_xy), np.bool_), box_xyxy)

    def outline_mask_in(self, rect: PixelRect) -> NDArray[np.bool_]:
        """The polygon filled, (h, w) of a rectangle of the raster.

        Raises:
            LayerError: the feature isn't a polygon.
        """
        if self.polygon is None:
            raise LayerError(f"feature {self.feature_id} has no outline to make a mask prompt of: read it as a polygon")
        return polygons_to_mask(_in_rect(self.polygon, rect), (rect.height_px, rect.width_px))

    def mask_logits_in(self, rect: PixelRect, model_size: int, low_res_size: int) -> NDArray[np.float32]:
        """The polygon as the mask prompt (low_res_size, low_res_size) of a picture that shows ``rect``.

        Args:
            rect: what the picture shows.
            model_size: side of the network's square, in model px.
            low_res_size: side of its mask prompts.

        Raises:
            LayerError: the feature isn't a polygon.
        """
        mask = self.outline_mask_in(rect)
        frame = ImageFrame(image_hw=(rect.height_px, rect.width_px), model_size=model_size)
        coverage = frame.image_to_model_coverage(mask, model_size // low_res_size)
        logits: NDArray[np.float32] = (MASK_LOGIT * (2 * coverage - 1)).astype(np.float32)
        return logits


@dataclass(frozen=True, slots=True, eq=False)
class PromptLayer:
    """The prompts of a layer, with all that it knows of its features."""

    prompts: list[FeaturePrompt]

    attributes: dict[int, dict[str, Any]]
    """By feature id, of all features, for the results to carry."""

    skipped: dict[int, str]
    """Why a feature is no prompt, by feature id."""


def read_prompt_layer(
    file: Path,
    kind: PromptKind,
    transform: Affine,
    raster_crs: CRS | None,
    stated_crs: str | None = None,
    layer: str | None = None,
) -> PromptLayer:
    """Read the features of a layer as prompts in run px, wherever they lie.

    Args:
        file: GeoJSON, GeoPackage, Shapefile or another format of GDAL's.
        kind: how to take them.
        transform: from run px to map coordinates.
        raster_crs: None where the raster has none.
        stated_crs: of the layer, where the file says none or a wrong one; ``raster`` for the raster's.
        layer: its name; None: the first.

    Raises:
        LayerError: the file can't be read, its CRS isn't known, or no feature is a prompt.
    """
    read = read_vector_layer(file, layer)
    crs = layer_crs(file, read.crs, stated_crs, raster_crs)
    placed = to_crs(read.shapes, crs, raster_crs)
    prompts, skipped = [], {}
    for fid, shape in placed.items():
        prompt = None if shape is None else _to_prompt(fid, _to_run_px(shape, transform), kind)
        if prompt is None:
            skipped[fid] = _what_is_wrong(read.shapes[fid], shape, kind)
        else:
            prompts.append(prompt)
    if not prompts:
        reason = "".join(f" (feature {fid}: {reason})" for fid, reason in list(skipped.items())[:1])
        raise LayerError(f"{file} holds no prompt of the kind {kind.value}{reason}: choose another layer or kind")
    return PromptLayer(prompts, read.attributes, skipped)


def _to_run_px(shape: shapely.Geometry, transform: Affine) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: map_to_pixel_xy(xy, transform))


def _to_prompt(fid: int, shape: shapely.Geometry, kind: PromptKind) -> FeaturePrompt | None:
    if kind is PromptKind.POINTS:
        return _clicks(fid, shape)
    return _box(fid, shape) if kind is PromptKind.BOXES else _outline(fid, shape)


def _clicks(fid: int, shape: shapely.Geometry) -> FeaturePrompt | None:
    if shape.is_empty or shape.geom_type not in ("Point", "MultiPoint"):
        return None
    return FeaturePrompt(fid, shapely.get_coordinates(shape))


def _box(fid: int, shape: shapely.Geometry) -> FeaturePrompt | None:
    box_xyxy = _bounds_xyxy(shape)
    return None if box_xyxy is None else FeaturePrompt(fid, np.zeros((0, 2)), box_xyxy)


def _outline(fid: int, shape: shapely.Geometry) -> FeaturePrompt | None:
    pieces = polygon_pieces(shape)
    box_xyxy = _bounds_xyxy(pieces)
    if box_xyxy is None:
        return None
    largest = max(pieces.geoms, key=lambda piece: piece.area)
    widest_xy = shapely.get_coordinates(shapely.maximum_inscribed_circle(largest))[:1]
    return FeaturePrompt(fid, widest_xy, box_xyxy, pieces)


def _bounds_xyxy(shape: shapely.Geometry) -> NDArray[np.float64] | None:
    if shape.is_empty:
        return None
    x0, y0, x1, y1 = shape.bounds
    return None if min(x1 - x0, y1 - y0) < MIN_BOX_PX else np.array([x0, y0, x1, y1])


def _in_rect(pieces: shapely.MultiPolygon, rect: PixelRect) -> list[Polygon]:
    origin_xy = np.array([rect.left_px, rect.top_px])

    def ring_xy(ring: shapely.LinearRing) -> NDArray[np.float64]:
        corners_xy: NDArray[np.float64] = shapely.get_coordinates(ring)[:-1] - origin_xy
        return corners_xy

    return [
        Polygon(ring_xy(piece.exterior), tuple(ring_xy(hole) for hole in piece.interiors)) for piece in pieces.geoms
    ]


def _what_is_wrong(as_read: shapely.Geometry | None, placed: shapely.Geometry | None, kind: PromptKind) -> str:
    if as_read is None:
        return "its geometry is missing or damaged"
    if placed is None:
        return "its coordinates have no place in the raster's CRS: perhaps it has another CRS"
    if kind is PromptKind.POINTS:
        return f"it is a {placed.geom_type}, where a point is wanted"
    if kind is PromptKind.POLYGONS and "Polygon" not in placed.geom_type and polygon_pieces(placed).is_empty:
        return f"it is a {placed.geom_type}, {_WHY_NO_OUTLINE.get(placed.geom_type, 'where a polygon is wanted')}"
    return f"it is a {placed.geom_type} that covers less than {MIN_BOX_PX:g} px in width or height"
