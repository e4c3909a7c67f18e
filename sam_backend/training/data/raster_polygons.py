"""Polygons of a vector file (GeoJSON, GeoPackage, Shapefile, FlatGeobuf) in the pixels of a raster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import shapely
from affine import Affine
from rasterio.crs import CRS

from sam_backend.errors import DatasetError, LayerError
from sam_backend.geo.frame import map_to_pixel_xy
from sam_backend.geo.vector_layer import layer_crs, polygon_pieces, read_vector_layer, to_crs
from sam_backend.training.data.stored import SkippedItems

VECTOR_ENDINGS = (".geojson", ".gpkg", ".shp", ".fgb")


@dataclass(frozen=True, slots=True)
class RasterPlace:
    """Where a raster lies."""

    transform: Affine
    """From its pixels to map coordinates."""

    crs: CRS


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
    try:
        layer = read_vector_layer(file, with_attributes=False)
        crs = layer_crs(file, layer.crs, stated_crs, place.crs)
    except LayerError as error:
        raise DatasetError(f"the polygons can't be used: {error}") from None
    polygons: list[shapely.MultiPolygon] = []
    for fid, shape in to_crs(layer.shapes, crs, place.crs).items():
        pieces = polygon_pieces(shape)
        if pieces.is_empty:
            skipped.add(f"feature {fid} of {file.name}", _what_is_wrong(layer.shapes[fid], crs))
        else:
            polygons.append(shapely.transform(pieces, lambda xy: map_to_pixel_xy(xy, place.transform)))
    return polygons


def _what_is_wrong(shape: shapely.Geometry | None, crs: CRS | None) -> str:
    if shape is None:
        return "its geometry is missing or damaged"
    if polygon_pieces(shape).is_empty:
        return f"it is a {shape.geom_type} without area, where a polygon is wanted"
    return f"its coordinates in {crs} can't be brought to the raster's CRS: perhaps it has another CRS"
