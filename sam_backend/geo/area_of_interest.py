"""The area in which a raster is to be segmented, from the polygons of a vector layer."""

from __future__ import annotations

from pathlib import Path

import shapely
from rasterio.crs import CRS

from sam_backend.errors import LayerError
from sam_backend.geo.vector_layer import layer_crs, polygon_pieces, read_vector_layer, to_crs

STEPS_PER_SIDE = 64
"""A straight side of a large area is curved in another CRS: so many corners are put on the length of its bounds."""


def read_area_of_interest(
    file: Path, raster_crs: CRS | None, stated_crs: str | None = None, layer: str | None = None
) -> shapely.MultiPolygon | shapely.Polygon:
    """The union of all polygons of a layer, in the raster's CRS.

    Args:
        file: GeoJSON, GeoPackage, Shapefile or another format of GDAL's.
        raster_crs: None where the raster has none.
        stated_crs: of the layer, where the file says none or a wrong one; ``raster`` for the raster's.
        layer: its name; None: the first.

    Raises:
        LayerError: the file can't be read, holds no polygon, or can't be brought to the raster's CRS.
    """
    read = read_vector_layer(file, layer, with_attributes=False)
    crs = layer_crs(file, read.crs, stated_crs, raster_crs)
    polygons = {fid: polygon_pieces(shape) for fid, shape in read.shapes.items()}
    polygons = {fid: pieces for fid, pieces in polygons.items() if not pieces.is_empty}
    if not polygons:
        raise LayerError(f"{file} holds no polygon: give the area of interest as polygons")
    placed = to_crs({fid: _with_more_corners(pieces) for fid, pieces in polygons.items()}, crs, raster_crs)
    nowhere = [fid for fid, pieces in placed.items() if pieces is None]
    if nowhere:
        raise LayerError(
            f"feature {nowhere[0]} of {file.name} has no place in the raster's CRS: perhaps it isn't in {crs}"
        )
    return shapely.union_all([polygon_pieces(pieces) for pieces in placed.values()])


def _with_more_corners(pieces: shapely.MultiPolygon) -> shapely.MultiPolygon:
    x0, y0, x1, y1 = pieces.bounds
    return shapely.segmentize(pieces, max(x1 - x0, y1 - y0) / STEPS_PER_SIDE)
