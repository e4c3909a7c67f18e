"""Features as a GeoPackage that the engine can open: prompts, with all that they know, and areas."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable

from osgeo import ogr, osr
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QDate, QDateTime, Qt, QTime, QVariant

from ..text import tr
from .kept_files import kept_file

_KINDS = {
    QVariant.Bool: (ogr.OFTInteger, ogr.OFSTBoolean, bool),
    QVariant.Int: (ogr.OFTInteger64, ogr.OFSTNone, int),
    QVariant.UInt: (ogr.OFTInteger64, ogr.OFSTNone, int),
    QVariant.LongLong: (ogr.OFTInteger64, ogr.OFSTNone, int),
    QVariant.ULongLong: (ogr.OFTInteger64, ogr.OFSTNone, int),
    QVariant.Double: (ogr.OFTReal, ogr.OFSTNone, float),
}


def _as_text(value: object) -> str:
    """ISO 8601 of dates and times, JSON of lists and maps; whatever else a field holds as Python shows it."""
    if isinstance(value, (QDate, QTime, QDateTime)):
        return str(value.toString(Qt.DateFormat.ISODateWithMs)).replace(".000", "")
    if isinstance(value, (list, dict)):
        return json.dumps(
            value, ensure_ascii=False, default=lambda inside: None if _is_null(inside) else _as_text(inside)
        )
    return str(value)


def _is_null(value: object) -> bool:
    return value is None or (isinstance(value, QVariant) and value.isNull())


_TEXT = (ogr.OFTString, ogr.OFSTNone, _as_text)
"""Whatever else a field holds."""

_FID = "__segment_anything_fid"
"""So that a field ``fid`` of the layer remains a field."""


def write_prompts(
    source: QgsProcessingFeatureSource,
    crs: QgsCoordinateReferenceSystem,
    transforms: QgsCoordinateTransformContext,
    feedback: QgsProcessingFeedback,
) -> str:
    """Write a layer of prompts; feature ids stay, and the same features give the same file.

    Args:
        source: to be read.
        crs: of the raster; the file's too.
        transforms: the project's.
        feedback: asked whether to stop.

    Raises:
        QgsProcessingException: there are no features, or the file can't be written.
    """
    request = QgsFeatureRequest().setDestinationCrs(crs, transforms)
    features = []
    for feature in source.getFeatures(request):
        if feedback.isCanceled():
            break
        features.append(feature)
    if not features:
        raise QgsProcessingException(
            tr("The layer of prompts has no features: draw or select some, or choose another layer.")
        )
    return _written(features, source.fields(), crs)


def write_area(
    source: QgsProcessingFeatureSource | None,
    extent: QgsGeometry | None,
    crs: QgsCoordinateReferenceSystem,
    transforms: QgsCoordinateTransformContext,
) -> str:
    """Write where a raster is to be segmented: within polygons, an extent, or both.

    Args:
        source: of polygons, or None.
        extent: in ``crs``, or None.
        crs: of the raster; the file's too.
        transforms: the project's.

    Raises:
        QgsProcessingException: nothing is left, or the file can't be written.
    """
    if source is None:
        shapes = [extent]
    else:
        request = QgsFeatureRequest().setDestinationCrs(crs, transforms)
        shapes = [feature.geometry() for feature in source.getFeatures(request)]
        if extent is not None:
            shapes = [shape.makeValid().intersection(extent) for shape in shapes]
    features = []
    for shape in shapes:
        if shape is not None and not shape.isEmpty():
            feature = QgsFeature(len(features) + 1)
            feature.setGeometry(shape)
            features.append(feature)
    if not features:
        raise QgsProcessingException(tr("The area of interest holds no polygon: choose another layer or extent."))
    return _written(features, QgsFields(), crs)


def moved(shape: QgsGeometry, transform: QgsCoordinateTransform) -> QgsGeometry:
    """A geometry in another CRS.

    Raises:
        QgsProcessingException: it has no place there.
    """
    copy = QgsGeometry(shape)
    try:
        copy.transform(transform)
    except QgsCsException as error:
        raise QgsProcessingException(
            tr("The extent has no place in the raster's CRS ({0}): choose another one.").format(error)
        ) from error
    return copy


def _written(features: list[QgsFeature], fields: QgsFields, crs: QgsCoordinateReferenceSystem) -> str:
    path = kept_file(["features", _digest(features, fields), crs.toWkt()], ".gpkg")
    if not os.path.exists(path):
        part = path[: -len(".gpkg")] + ".part.gpkg"
        if os.path.exists(part):
            os.remove(part)
        _write(part, features, fields, crs)
        os.replace(part, path)
    return path


def _digest(features: Iterable[QgsFeature], fields: QgsFields) -> str:
    digest = hashlib.sha256(repr([field.name() for field in fields]).encode())
    for feature in features:
        digest.update(repr((feature.id(), [_as_text(value) for value in feature.attributes()])).encode())
        digest.update(bytes(feature.geometry().asWkb()))
    return digest.hexdigest()


def _write(path: str, features: list[QgsFeature], fields: QgsFields, crs: QgsCoordinateReferenceSystem) -> None:
    reference = osr.SpatialReference()
    reference.ImportFromWkt(crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED_GDAL))
    file = ogr.GetDriverByName("GPKG").CreateDataSource(path, ["VERSION=1.2"])
    if file is None:
        raise QgsProcessingException(tr("{0} can't be written: see that there is room.").format(path))
    layer = file.CreateLayer("prompts", reference, _common_type(features), [f"FID={_FID}", "SPATIAL_INDEX=NO"])
    for field in fields:
        kind, subkind, _ = _KINDS.get(field.type(), _TEXT)
        definition = ogr.FieldDefn(field.name(), kind)
        definition.SetSubType(subkind)
        layer.CreateField(definition)
    layer.StartTransaction()
    for feature in features:
        if layer.CreateFeature(_as_row(feature, fields, layer.GetLayerDefn())) != 0:
            raise QgsProcessingException(tr("{0} can't be written: see that there is room.").format(path))
    layer.CommitTransaction()


def _as_row(feature: QgsFeature, fields: QgsFields, definition: ogr.FeatureDefn) -> ogr.Feature:
    row = ogr.Feature(definition)
    if feature.id() >= 0:  # those not saved yet have negative ids
        row.SetFID(feature.id())
    for index, field in enumerate(fields):
        _set(row, index, field, feature.attribute(index))
    if feature.hasGeometry():
        row.SetGeometryDirectly(ogr.CreateGeometryFromWkb(bytes(feature.geometry().asWkb())))
    return row


def _set(row: ogr.Feature, index: int, field: QgsField, value: object) -> None:
    if _is_null(value):
        return
    convert = _KINDS.get(field.type(), _TEXT)[2]
    row.SetField(index, int(value) if convert is bool else convert(value))  # type: ignore[call-overload]


def _common_type(features: Iterable[QgsFeature]) -> int:
    """The kind of geometry of all features; any, where they differ."""
    kinds = {QgsWkbTypes.flatType(feature.geometry().wkbType()) for feature in features}
    return int(kinds.pop()) if len(kinds) == 1 else ogr.wkbUnknown
