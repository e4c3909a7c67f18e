"""The layers of the engine's file, copied to where the user wants them."""

from __future__ import annotations

from dataclasses import dataclass

from osgeo import ogr
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureSink,
    QgsFields,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ..engine.engine import Fields
from ..text import tr

OBJECTS, TILES, CUTS = "objects", "tiles", "unresolved_cuts"
"""Names of the layers of an engine's GeoPackage."""

_FID = "fid"


@dataclass(frozen=True)
class Copied:
    """A layer that was written."""

    destination: str
    """As Processing calls it; empty where the user doesn't want it."""

    n_features: int
    provenance: dict[str, str]
    """What the engine says of how it was made."""

    @property
    def abstract(self) -> str:
        """The same, a line each."""
        return "\n".join(f"{name}: {value}" for name, value in self.provenance.items())


def copy_layer(
    file: str,
    layer: str,
    algorithm: QgsProcessingAlgorithm,
    given: Fields,
    output: str,
    crs: QgsCoordinateReferenceSystem | None,
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
) -> Copied:
    """Copy a layer of the engine's GeoPackage to an output.

    Args:
        file: the GeoPackage.
        layer: name in it.
        algorithm: whose output it is.
        given: its parameters.
        output: name of the output.
        crs: of the coordinates; None: as the file says.
        context: of the algorithm.
        feedback: of the algorithm.

    Raises:
        QgsProcessingException: it can't be read or written.
    """
    if given.get(output) is None and output != "OUTPUT":
        return Copied("", 0, {})
    read = QgsVectorLayer(f"{file}|layername={layer}", layer, "ogr")
    if not read.isValid():
        raise QgsProcessingException(tr("{0} has no layer {1}: the backend is of another version.").format(file, layer))
    fields = QgsFields(read.fields())
    has_fid = fields.indexOf(_FID) == 0
    if has_fid:
        fields.remove(0)
    kind = QgsWkbTypes.multiType(read.wkbType())
    sink, destination = algorithm.parameterAsSink(given, output, context, fields, kind, crs or read.crs())
    if sink is None:
        if output != "OUTPUT":
            return Copied("", 0, {})
        raise QgsProcessingException(algorithm.invalidSinkError(given, output))
    n_features = _copy(read, sink, 1 if has_fid else 0, feedback)
    return Copied(destination, n_features, _provenance(file, layer))


def _copy(read: QgsVectorLayer, sink: QgsFeatureSink, n_left_out: int, feedback: QgsProcessingFeedback) -> int:
    """Also after a cancel: what was found is to be kept."""
    n_features = 0
    for feature in read.getFeatures():
        copied = QgsFeature()
        copied.setGeometry(feature.geometry())
        copied.setAttributes(feature.attributes()[n_left_out:])
        if not sink.addFeature(copied, QgsFeatureSink.Flag.FastInsert):
            raise QgsProcessingException(
                tr("The objects can't be written ({0}): see that there is room.").format(sink.lastError())
            )
        n_features += 1
    sink.flushBuffer()
    return n_features


def _provenance(file: str, layer: str) -> dict[str, str]:
    opened = ogr.Open(file)
    return {} if opened is None else dict(opened.GetLayerByName(layer).GetMetadata_Dict() or {})
