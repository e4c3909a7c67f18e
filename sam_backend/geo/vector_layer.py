"""Reading a vector layer (GeoJSON, GeoPackage, Shapefile, FlatGeobuf) and bringing it to the CRS of a raster."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from rasterio import warp
from rasterio._err import CPLE_BaseError  # rasterio lets it through, but publishes it nowhere
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError

from sam_backend.errors import LayerError

AS_RASTER = "raster"
"""In place of a CRS: the raster's own."""

_WARP_ERRORS = (RasterioError, CRSError, CPLE_BaseError)


@dataclass(frozen=True, slots=True, eq=False)
class VectorLayer:
    """The features of a layer by their feature ids."""

    shapes: dict[int, shapely.Geometry | None]
    """None where a geometry is missing or damaged."""

    attributes: dict[int, dict[str, Any]]

    crs: str | None
    """As the file states it; of GeoJSON without a ``crs`` member EPSG:4326."""


def read_vector_layer(file: Path, layer: str | None = None, with_attributes: bool = True) -> VectorLayer:
    """Read all features of a layer, their third dimension left out.

    Args:
        file: of any format of GDAL's.
        layer: its name; None: the first.
        with_attributes: False: none is read.

    Raises:
        LayerError: the file can't be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL's, on damaged features: they come as None and are named
            meta, fids, wkb, values = pyogrio.raw.read(
                file, layer=layer, columns=None if with_attributes else [], force_2d=True, return_fids=True
            )
    except (DataSourceError, DataLayerError) as error:
        raise LayerError(f"{file} can't be read as a vector layer ({error}): give GeoJSON or a GeoPackage") from None
    shapes = shapely.from_wkb([] if wkb is None else wkb, on_invalid="ignore")
    sound = [shape if is_finite(shape) else None for shape in shapes]
    ids = fids.tolist()
    rows = zip(*(column.tolist() for column in values), strict=True) if len(values) else ((),) * len(ids)
    return VectorLayer(
        shapes=dict(zip(ids, sound, strict=True)),
        attributes={
            fid: dict(zip(meta["fields"].tolist(), row, strict=True)) for fid, row in zip(ids, rows, strict=True)
        }
        if with_attributes
        else {fid: {} for fid in ids},
        crs=meta["crs"],
    )


def layer_crs(file: Path, own: str | None, stated: str | None, of_raster: CRS | None) -> CRS | None:
    """The CRS of a layer's coordinates; None, like the raster's, where they are its pixels.

    Args:
        file: to be named in an error.
        own: what the file says.
        stated: what the user says, which overrules it: any text that PROJ understands, or ``raster``.
        of_raster: None where the raster has none.

    Raises:
        LayerError: it isn't known, or the raster has none and the layer one.
    """
    text = stated or own
    if stated == AS_RASTER or (text is None and of_raster is None):
        return of_raster
    if of_raster is None:
        raise LayerError(
            f"the raster has no CRS, so {file.name} can't be placed on it: assign one (gdal_edit.py -a_srs EPSG:... "
            "RASTER), or take the layer's away where it has the raster's own coordinates "
            f"(ogr2ogr -a_srs NONE OUT.fgb {file.name})"
        )
    if text is None:
        raise LayerError(
            f"{file} doesn't say its CRS: assign its own, e.g. EPSG:4326 (ogr2ogr -a_srs EPSG:4326 OUT.gpkg "
            f"{file.name})"
        )
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise LayerError(f"the layer's CRS {text[:60]!r} isn't known ({error}): give e.g. EPSG:4326") from None


def to_crs(
    shapes: Mapping[int, shapely.Geometry | None], source: CRS | None, target: CRS | None
) -> dict[int, shapely.Geometry | None]:
    """Bring shapes to another CRS: all at once where that works, else one by one.

    Returns:
        None for those that have no place there.
    """
    if source == target:
        return dict(shapes)

    def moved_xy(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(warp.transform(source, target, xy[:, 0], xy[:, 1]), axis=-1)

    try:
        placed = shapely.transform(np.array(list(shapes.values()), np.object_), moved_xy)
    except _WARP_ERRORS:
        placed = [_moved_or_none(shape, moved_xy) for shape in shapes.values()]
    return {fid: shape if is_finite(shape) else None for fid, shape in zip(shapes, placed, strict=True)}


def _moved_or_none(shape: shapely.Geometry | None, moved_xy: Any) -> shapely.Geometry | None:  # noqa: ANN401
    try:
        return shapely.transform(shape, moved_xy)
    except _WARP_ERRORS:
        return None


def is_finite(shape: shapely.Geometry | None) -> bool:
    """Whether no coordinate is NaN or infinite, which PROJ uses for "nowhere"."""
    return bool(np.isfinite(shapely.get_coordinates(shape)).all())


def polygon_pieces(shape: shapely.Geometry | None) -> shapely.MultiPolygon:
    """The polygons of any geometry, mended where their rings cross; empty if there is none."""
    if shape is None or not is_finite(shape):
        return shapely.MultiPolygon()
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shape)))  # twice: a collection may hold multi-parts
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon" and not part.is_empty])
