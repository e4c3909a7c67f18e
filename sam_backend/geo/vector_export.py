"""From a finished GeoPackage to the formats that can't be written bit by bit; features stream through, in batches."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pyogrio
import pyogrio.raw
import pyproj
from pyproj.exceptions import ProjError
from rasterio.crs import CRS

from sam_backend.errors import MissingExtraError, OptionsError, RasterError
from sam_backend.geo.layers import Layer

BATCH = 4096
"""Features in memory at a time."""

GEOMETRY = "geometry"


class VectorFormat(Enum):
    """By the ending of the file's name."""

    GEOPACKAGE = "gpkg"
    FLATGEOBUF = "fgb"
    GEOJSON = "geojson"
    GEOPARQUET = "parquet"


def format_of(path: Path, crs: CRS | None) -> VectorFormat:
    """The format of a file's name, once it is sure that features with this CRS can be written in it.

    Raises:
        OptionsError: no format has this ending.
        RasterError: GeoJSON is wanted and the CRS is missing or doesn't lead to longitude and latitude.
        MissingExtraError: GeoParquet is wanted and pyarrow isn't installed.
    """
    endings = {f".{kind.value}": kind for kind in VectorFormat}
    vector_format = endings.get(path.suffix.lower())
    if vector_format is None:
        raise OptionsError(f"{path.name} ends in no format of map features: give a name in {', '.join(endings)}")
    if vector_format is VectorFormat.GEOJSON:
        _require_way_to_degrees(crs)
    if vector_format is VectorFormat.GEOPARQUET:
        _pyarrow("pyarrow.parquet")
    return vector_format


def export(staged: Path, layer: Layer, vector_format: VectorFormat, path: Path, provenance: Mapping[str, str]) -> None:
    """Write one layer of a GeoPackage as FlatGeobuf, GeoJSON or GeoParquet."""
    if vector_format is VectorFormat.GEOPARQUET:
        _export_parquet(staged, layer, path, provenance)
    elif vector_format is VectorFormat.FLATGEOBUF:
        _export_by_gdal(staged, layer, path, driver="FlatGeobuf", layer_metadata=dict(provenance))
    else:
        # RFC7946: to EPSG:4326, exteriors counter-clockwise. 9 decimals are 0.1 mm.
        options = {"RFC7946": "YES", "COORDINATE_PRECISION": "9", "DESCRIPTION": json.dumps(dict(provenance))}
        _export_by_gdal(staged, layer, path, driver="GeoJSON", layer_options=options)


def _export_by_gdal(staged: Path, layer: Layer, path: Path, driver: str, **options: dict[str, str]) -> None:
    with pyogrio.open_arrow(staged, layer=layer.name, batch_size=BATCH) as (meta, stream), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")  # a raster may have no place
        pyogrio.raw.write_arrow(
            stream,
            path,
            layer=layer.name,
            driver=driver,
            geometry_name=meta["geometry_name"],
            geometry_type=layer.geometry_type,
            crs=meta["crs"],
            **options,
        )


def _export_parquet(staged: Path, layer: Layer, path: Path, provenance: Mapping[str, str]) -> None:
    pyarrow, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
    info = pyogrio.read_info(staged, layer=layer.name, force_total_bounds=True)
    metadata = {"geo": json.dumps(_geo_metadata(info, layer)), **provenance}
    with pyogrio.open_arrow(staged, layer=layer.name, batch_size=BATCH, use_pyarrow=True) as (_, batches):
        names = [GEOMETRY if name == info["geometry_name"] else name for name in batches.schema.names]
        fields = [
            pyarrow.field(name, pyarrow.binary() if name == GEOMETRY else field.type)
            for name, field in zip(names, batches.schema, strict=True)
        ]
        schema = pyarrow.schema(fields, metadata=metadata)
        with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(pyarrow.record_batch(batch.columns, schema=schema))


def _geo_metadata(info: dict[str, object], layer: Layer) -> dict[str, object]:
    """What makes a Parquet file a GeoParquet one (version 1.1)."""
    crs = info["crs"]
    column: dict[str, object] = {
        "encoding": "WKB",
        "geometry_types": [layer.geometry_type],
        "crs": None if crs is None else pyproj.CRS.from_user_input(crs).to_json_dict(),  # missing would be CRS84
        "orientation": "counterclockwise",
    }
    bounds = info["total_bounds"]
    if info["features"]:
        column["bbox"] = list(bounds) if isinstance(bounds, tuple) else bounds
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}


def _pyarrow(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError(
            "GeoParquet needs the library pyarrow, which isn't installed: pip install 'sam-backend[parquet]', or give"
            " a name in .gpkg"
        ) from None


def _require_way_to_degrees(crs: CRS | None) -> None:
    if crs is None:
        raise RasterError(
            "the raster has no CRS, so it has no place on the map and makes no GeoJSON: assign one, e.g. with"
            " gdal_edit.py -a_srs, or give a name in .gpkg"
        )
    try:
        pyproj.Transformer.from_crs(crs.to_wkt(version="WKT2_2019"), "EPSG:4326")
    except ProjError as error:
        raise RasterError(
            f"the raster's CRS can't be turned into longitude and latitude ({error}): give a name in .gpkg"
        ) from None
