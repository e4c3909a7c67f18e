"""Polygons as GeoJSON (RFC 7946): longitude and latitude on the map, or image px of a plain picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError  # rasterio lets it through, but publishes it nowhere
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform_geom

from sam_backend.errors import RasterError
from sam_backend.geo.frame import pixel_to_map_xy
from sam_backend.types import Polygon

GEOJSON_CRS = CRS.from_epsg(4326)
N_DECIMALS_DEGREES = 9
"""About 0.1 mm."""


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The pieces of one mask and what is known of it."""

    polygons: Sequence[Polygon]
    """In image px."""

    properties: dict[str, Any]


def map_features(outlines: Sequence[Outline], transform: Affine, crs: CRS | None) -> dict[str, Any]:
    """A FeatureCollection in EPSG:4326.

    Args:
        outlines: in pixels of the raster or window.
        transform: from those pixels to map coordinates.
        crs: of the map coordinates.

    Raises:
        RasterError: there is no CRS, or none that leads to longitude and latitude.
    """
    if crs is None:
        raise RasterError(
            "the raster has no CRS, so it has no place on the map: assign one, e.g. with gdal_edit.py -a_srs"
        )
    features = [_feature(outline, transform) for outline in outlines]
    for feature in features:
        feature["geometry"]["coordinates"] = _to_degrees(feature["geometry"], crs)
    return {"type": "FeatureCollection", "features": features}


def pixel_features(outlines: Sequence[Outline]) -> dict[str, Any]:
    """A FeatureCollection in image px (x right, y down), for pictures without a place."""
    features = [_feature(outline, Affine.identity()) for outline in outlines]
    return {"type": "FeatureCollection", "coordinates": "image px, x right, y down", "features": features}


def write_geojson(collection: dict[str, Any], path: Path) -> None:
    """Write a FeatureCollection."""
    path.write_text(json.dumps(collection, indent=1) + "\n", encoding="utf-8")


def map_pieces(polygons: Sequence[Polygon], transform: Affine) -> list[list[list[list[float]]]]:
    """Polygons in pixels as the ``coordinates`` of a MultiPolygon in map coordinates, whatever their CRS."""
    # RFC 7946: exterior rings run counter-clockwise, holes clockwise, seen with y up.
    return [
        [_ring(polygon.exterior_xy, transform, clockwise=False)]
        + [_ring(hole_xy, transform, clockwise=True) for hole_xy in polygon.holes_xy]
        for polygon in polygons
    ]


def _feature(outline: Outline, transform: Affine) -> dict[str, Any]:
    geometry = {"type": "MultiPolygon", "coordinates": map_pieces(outline.polygons, transform)}
    return {"type": "Feature", "properties": outline.properties, "geometry": geometry}


def _ring(ring_xy: NDArray[np.float64], transform: Affine, clockwise: bool) -> list[list[float]]:
    placed_xy = pixel_to_map_xy(ring_xy, transform)
    x, y = placed_xy.T
    is_clockwise = float(x @ np.roll(y, -1) - np.roll(x, -1) @ y) < 0
    if is_clockwise != clockwise:
        placed_xy = placed_xy[::-1]
    closed: list[list[float]] = np.concatenate([placed_xy, placed_xy[:1]]).tolist()
    return closed


def _to_degrees(geometry: dict[str, Any], crs: CRS) -> list[list[list[tuple[float, float]]]]:
    if not geometry["coordinates"]:  # GDAL takes an empty one for a mistake
        return []
    try:
        in_degrees = transform_geom(crs, GEOJSON_CRS, geometry)
    except (RasterioError, CPLE_BaseError) as error:
        raise RasterError(f"the raster's CRS can't be turned into longitude and latitude ({error})") from None
    return [
        [[(round(x, N_DECIMALS_DEGREES), round(y, N_DECIMALS_DEGREES)) for x, y in ring] for ring in rings]
        for rings in in_degrees["coordinates"]
    ]
