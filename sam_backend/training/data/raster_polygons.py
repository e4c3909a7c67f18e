"""Polygons of a vector file (GeoJSON, GeoPackage, Shapefile, FlatGeobuf) in the pixels of a raster."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from rasterio import warp
from rasterio._err import CPLE_BaseError  # rasterio lets it through, but publishes it nowhere
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError

from sam_backend.errors import DatasetError
from sam_backend.geo.frame import map_to_pixel_xy
from sam_backend.training.data.stored import SkippedItems

AS_RASTER = "raster"
"""In place of a CRS: the raster's own."""

VECTOR_ENDINGS = (".geojson", ".gpkg", ".shp", ".fgb")

_WARP_ERRORS = (RasterioError, CRSError, CPLE_BaseError)
_ToPixel = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class RasterPlace:
    """Where a raster lies."""

    transform: Affine
    """From its pixels to map coordinates."""

    crs: CRS


@dataclass(frozen=True, slots=True, eq=False)
class _Features:
    shapes: dict[str, shapely.Geometry | None]
    """By what to call them in a message; None where a geometry is missing or damaged."""

    crs: str | None
    """As the file states it; of GeoJSON without a ``crs`` member EPSG:4326."""


def read_raster_polygons(
    file: Path, place: RasterPlace, stated_crs: str | None, skipped: SkippedItems
) -> list[shapely.MultiPolygon]:
    """Read one object for each feature: its polygons in pixels of the raster (x right, y down).

    Args:
        file: its first layer is read.
        place: of the raster.
        stated_crs: the polygons' CRS, where the file says none or a wrong one: any text that PROJ understands, or
            ``raster`` for the raster's. None: as the file says.
        skipped: takes the features that aren't polygons, are damaged, or can't be brought to the raster's CRS.

    Raises:
        DatasetError: the file can't be read, or its CRS isn't known.
    """
    features = _read_features(file)
    crs = _polygons_crs(file, features.crs, stated_crs, place.crs)
    placed = _to_pixels(features.shapes, _crossing(crs, place))
    polygons: list[shapely.MultiPolygon] = []
    for name, shape in placed.items():
        pieces = _polygon_pieces(shape)
        if pieces.is_empty:
            skipped.add(f"{name} of {file.name}", _what_is_wrong(features.shapes[name], crs))
        else:
            polygons.append(pieces)
    return polygons


def _read_features(file: Path) -> _Features:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL's, on damaged features: they come as None and are named
            meta, fids, wkb, _ = pyogrio.raw.read(file, columns=[], force_2d=True, return_fids=True)
    except (DataSourceError, DataLayerError) as error:
        raise DatasetError(f"{file} can't be read as polygons ({error}): give GeoJSON or a GeoPackage") from None
    shapes = shapely.from_wkb([] if wkb is None else wkb, on_invalid="ignore")
    sound = [shape if _is_finite(shape) else None for shape in shapes]
    return _Features({f"feature {fid}": shape for fid, shape in zip(fids, sound, strict=True)}, meta["crs"])


def _is_finite(shape: shapely.Geometry | None) -> bool:
    return bool(np.isfinite(shapely.get_coordinates(shape)).all())


def _polygons_crs(file: Path, own: str | None, stated: str | None, of_raster: CRS) -> CRS:
    if stated == AS_RASTER:
        return of_raster
    text = stated or own
    if text is None:
        raise DatasetError(f"{file} doesn't say its CRS: state it, e.g. EPSG:4326, or '{AS_RASTER}' for the raster's")
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise DatasetError(f"the polygons' CRS {text[:60]!r} isn't known ({error}): give e.g. EPSG:4326") from None


def _crossing(crs: CRS, place: RasterPlace) -> _ToPixel:
    def to_pixel_xy(map_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        if crs != place.crs:
            map_xy = np.stack(warp.transform(crs, place.crs, map_xy[:, 0], map_xy[:, 1]), axis=-1)
        with np.errstate(invalid="ignore"):  # PROJ says "nowhere" with infinity
            return map_to_pixel_xy(map_xy, place.transform)

    return to_pixel_xy


def _to_pixels(shapes: dict[str, shapely.Geometry | None], to_pixel_xy: _ToPixel) -> dict[str, shapely.Geometry | None]:
    """All at once where that works, else one by one; None for those that can't be placed."""
    try:
        placed = shapely.transform(np.array(list(shapes.values()), np.object_), to_pixel_xy)
        return dict(zip(shapes, placed, strict=True))
    except _WARP_ERRORS:
        return {name: _to_pixels_or_none(shape, to_pixel_xy) for name, shape in shapes.items()}


def _to_pixels_or_none(shape: shapely.Geometry | None, to_pixel_xy: _ToPixel) -> shapely.Geometry | None:
    try:
        return shapely.transform(shape, to_pixel_xy)
    except _WARP_ERRORS:
        return None


def _polygon_pieces(shape: shapely.Geometry | None) -> shapely.MultiPolygon:
    """The polygons of any geometry, mended where their rings cross; empty if there is none, or one without end."""
    if shape is None or not _is_finite(shape):
        return shapely.MultiPolygon()
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shape)))  # twice: a collection may hold multi-parts
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon" and not part.is_empty])


def _what_is_wrong(shape: shapely.Geometry | None, crs: CRS) -> str:
    if shape is None:
        return "its geometry is missing or damaged"
    if _polygon_pieces(shape).is_empty:
        return f"it is a {shape.geom_type} without area, where a polygon is wanted"
    return f"its coordinates in {crs} can't be brought to the raster's CRS: perhaps it has another CRS"
