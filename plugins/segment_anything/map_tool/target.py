"""Where accepted objects go: a polygon layer of the user's, or a new one."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsFillSymbol,
    QgsGeometry,
    QgsProject,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant

from ..text import tr
from .crossing import Crossing

NEW_LAYER_NAME = "Segments"
_STYLE = {"color": "0,158,115,50", "outline_color": "0,158,115,255", "outline_width": "0.5"}


class TargetError(Exception):
    """A layer that doesn't take the object."""


@dataclass(frozen=True)
class Accepted:
    """What is known of an accepted object; each goes to the field of its name where the layer has one."""

    score: float
    """The IoU that the model predicts, 0 to 1."""

    area_m2: float
    raster: str
    """Name of the raster layer."""

    model: str
    """Version of the model."""


def fields() -> QgsFields:
    """Those of a new layer."""
    new = QgsFields()
    for name, kind in (
        ("score", QVariant.Double),
        ("area_m2", QVariant.Double),
        ("raster", QVariant.String),
        ("model", QVariant.String),
    ):
        new.append(QgsField(name, kind))
    return new


def new_scratch_layer(crs: QgsCoordinateReferenceSystem) -> QgsVectorLayer:
    """A layer in memory, in the project."""
    layer = QgsVectorLayer("MultiPolygon", NEW_LAYER_NAME, "memory")
    layer.setCrs(crs)
    layer.dataProvider().addAttributes(fields().toList())
    layer.updateFields()
    return _added(layer)


def new_file_layer(path: str, crs: QgsCoordinateReferenceSystem) -> QgsVectorLayer:
    """A GeoPackage, in the project; a file of that name is replaced.

    Raises:
        TargetError: it can't be written there.
    """
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = NEW_LAYER_NAME.lower()
    writer = QgsVectorFileWriter.create(
        path, fields(), QgsWkbTypes.Type.MultiPolygon, crs, QgsCoordinateTransformContext(), options
    )
    message = writer.errorMessage()
    has_failed = writer.hasError() != QgsVectorFileWriter.WriterError.NoError
    del writer  # closes the file
    layer = None if has_failed else QgsVectorLayer(path, NEW_LAYER_NAME, "ogr")
    if layer is None or not layer.isValid():
        raise TargetError(
            tr("'{0}' can't be written ({1}): choose another place").format(path, message or tr("unknown reason"))
        )
    return _added(layer)


def add_object(
    layer: QgsVectorLayer, geometry: QgsGeometry, geometry_crs: QgsCoordinateReferenceSystem, known: Accepted
) -> QgsFeature:
    """Put an object into a layer: saved at once, or into the user's own edit session where there is one.

    Args:
        layer: of polygons.
        geometry: in `geometry_crs`.
        geometry_crs: the raster's.
        known: of the object.

    Returns:
        The feature, in the layer's CRS.

    Raises:
        TargetError: the layer doesn't take it.
        CrossingError: the layer's CRS doesn't reach there.
    """
    feature = QgsFeature(layer.fields())
    feature.setGeometry(_fitting(Crossing(geometry_crs, layer.crs()).geometry(geometry), layer))
    for name, value in asdict(known).items():
        if layer.fields().lookupField(name) >= 0:
            feature.setAttribute(layer.fields().lookupField(name), value)
    is_own_session = not layer.isEditable()
    if is_own_session and not layer.startEditing():
        raise TargetError(
            tr("the layer '{0}' can't be edited: choose another one for the objects").format(layer.name())
        )
    layer.beginEditCommand(tr("Accept an object"))
    is_added = layer.addFeature(feature)
    layer.endEditCommand()
    failure: str | None = None if is_added else tr("it refused the feature")
    if is_own_session and not layer.commitChanges():
        failure = "; ".join(layer.commitErrors())
        layer.rollBack()
    if failure is not None:
        raise TargetError(tr("the layer '{0}' took no object ({1}): choose another one").format(layer.name(), failure))
    layer.triggerRepaint()
    return feature


def _added(layer: QgsVectorLayer) -> QgsVectorLayer:
    """Shown as outlines with next to no filling: the raster below is what the user looks at."""
    layer.renderer().setSymbol(QgsFillSymbol.createSimple(_STYLE))
    QgsProject.instance().addMapLayer(layer)
    return layer


def _fitting(geometry: QgsGeometry, layer: QgsVectorLayer) -> QgsGeometry:
    """As the layer's type wants it, which may have one part only; of several parts that is the largest."""
    return max(geometry.coerceToType(layer.wkbType()), key=lambda part: part.area())
