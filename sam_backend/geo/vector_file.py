"""Map features as GeoPackage, FlatGeobuf, GeoJSON or GeoParquet, written as they come and complete or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyogrio.raw
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError
from rasterio.crs import CRS

from sam_backend.errors import OptionsError, StorageError
from sam_backend.geo.layers import Feature, Layer, as_columns
from sam_backend.geo.style import add_styles
from sam_backend.geo.vector_export import VectorFormat, export, format_of

_GEOPACKAGE = {"VERSION": "1.2"}
"""QGIS before 3.30 warns of each newer file that it opens."""

_UNFINISHED = ".unfinished"
_ABANDONED_AFTER_S = 3600.0
"""Without a change; whoever writes changes its file every few seconds."""

WRITE_ERRORS = (DataSourceError, DataLayerError, FeatureError, OSError)


class VectorFile:
    """An unfinished map file; made by `create_vector_file`."""

    def __init__(
        self, path: Path, staged: Path, layers: Sequence[Layer], crs: CRS | None, provenance: Mapping[str, str]
    ) -> None:
        self._path = path
        self._staged = staged
        self._layers = {layer.name: layer for layer in layers}
        self._crs_wkt = None if crs is None else crs.to_wkt(version="WKT2_2019")
        self._provenance = dict(provenance)
        self.n_features = dict.fromkeys(self._layers, 0)
        """By layer."""
        for layer in layers:
            self._write(layer, (), is_new=True)

    def append(self, layer_name: str, features: Sequence[Feature]) -> None:
        """Write features in one transaction: a few hundred or more at a time are fastest.

        Raises:
            OptionsError: there is no such layer, or a feature has an attribute that its layer lacks.
            StorageError: the disk is full or can't be written.
        """
        layer = self._layers.get(layer_name)
        if layer is None:
            raise OptionsError(f"the file has no layer {layer_name!r}: its layers are {', '.join(self._layers)}")
        unknown = sorted({name for feature in features for name in feature.properties} - set(layer.fields))
        if unknown:
            raise OptionsError(f"the layer {layer_name} has no field {unknown[0]!r}: it has {', '.join(layer.fields)}")
        if features:
            self._write(layer, features, is_new=False)
            self.n_features[layer_name] += len(features)

    def _write(self, layer: Layer, features: Sequence[Feature], is_new: bool) -> None:
        columns = as_columns(layer, features)
        with _writing(self._path), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'crs' was not provided")  # a raster may have no place
            pyogrio.raw.write(
                self._staged,
                columns.wkb,
                columns.values,
                np.array(list(layer.fields), np.object_),
                field_mask=columns.is_missing,
                layer=layer.name,
                driver="GPKG",
                geometry_type=layer.geometry_type,
                promote_to_multi=True,
                crs=self._crs_wkt,
                append=not is_new,
                layer_metadata=self._provenance if is_new else None,
                dataset_options=_GEOPACKAGE if not self._staged.exists() else None,
            )


@contextlib.contextmanager
def create_vector_file(
    path: Path, layers: Sequence[Layer], crs: CRS | None, provenance: Mapping[str, str] | None = None
) -> Iterator[VectorFile]:
    """Write a map file; it appears, or replaces an older one, when the ``with`` ends well, and not otherwise.

    Features gather in a GeoPackage in a hidden folder beside ``path``, which the end turns into the format of the
    name. Only a GeoPackage keeps all layers, and the style of those with a score; the others keep the first layer.

    Args:
        path: ends in .gpkg, .fgb, .geojson (EPSG:4326) or .parquet.
        layers: at least one.
        crs: of the features.
        provenance: what made them, kept as metadata of the layers.

    Raises:
        OptionsError: no format has this ending.
        RasterError: GeoJSON is wanted and the CRS is missing or doesn't lead to longitude and latitude.
        MissingExtraError: GeoParquet is wanted and pyarrow isn't installed.
        StorageError: the disk is full or can't be written.
    """
    vector_format = format_of(path, crs)
    with _staged(path) as staged:
        yield VectorFile(path, staged, layers, crs, provenance or {})
        with _writing(path):
            finished = _finish(staged, layers, vector_format, provenance or {})
            os.replace(finished, path)


def check_vector_file(path: Path, layers: Sequence[Layer], crs: CRS | None) -> None:
    """Make sure that a map file can be written, by writing one without features beside it and throwing that away.

    Raises:
        SamBackendError: as `create_vector_file`, or StorageError where a layer can't have these fields.
    """
    vector_format = format_of(path, crs)
    with _staged(path) as staged:
        VectorFile(path, staged, layers, crs, {})
        with _writing(path):
            _finish(staged, layers, vector_format, {})


@contextlib.contextmanager
def _staged(path: Path) -> Iterator[Path]:
    """Where a GeoPackage may be written in a hidden folder beside ``path``, which goes with all that is in it."""
    folder = _unfinished_folder(path)
    try:
        yield folder / "staged.gpkg"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except WRITE_ERRORS as error:
        raise StorageError(f"{path} can't be written ({_reason(error)}): make room or choose another folder") from None


def _finish(staged: Path, layers: Sequence[Layer], vector_format: VectorFormat, provenance: Mapping[str, str]) -> Path:
    if vector_format is VectorFormat.GEOPACKAGE:
        add_styles(staged, [layer.name for layer in layers if "score" in layer.fields])
        return staged
    finished = staged.with_name(f"finished.{vector_format.value}")
    export(staged, layers[0], vector_format, finished, provenance)
    return finished


def _unfinished_folder(path: Path) -> Path:
    if path.is_dir():
        raise StorageError(f"{path} is a folder: give the name of a file in it")
    try:
        _remove_abandoned(path)
        return Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=_UNFINISHED, dir=path.parent))
    except OSError as error:
        raise StorageError(
            f"{path} can't be written ({error.strerror}): choose a folder that is there and may be written"
        ) from None


def _remove_abandoned(path: Path) -> None:
    """What programs that were killed while they wrote ``path`` have left: of a large run it may be gigabytes."""
    for folder in path.parent.glob(f".{glob.escape(path.name)}.*{_UNFINISHED}"):
        with contextlib.suppress(FileNotFoundError):  # its writer may just have finished
            changed_s = max(part.stat().st_mtime for part in (folder, *folder.iterdir()))
            if time.time() - changed_s > _ABANDONED_AFTER_S:
                shutil.rmtree(folder, ignore_errors=True)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).rstrip(".")
