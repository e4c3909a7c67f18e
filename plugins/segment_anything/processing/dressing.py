"""How results look, and what their metadata says of how they were made."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsClassificationQuantile,
    QgsDataProvider,
    QgsFeatureRenderer,
    QgsFillSymbol,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsGraduatedSymbolRenderer,
    QgsLayerMetadata,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsProcessingUtils,
    QgsProviderRegistry,
    QgsRendererCategory,
    QgsRendererRange,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QDateTime
from qgis.PyQt.QtGui import QColor

from ..text import tr


class Style:
    """What colours stand for."""

    SCORE = "score"
    AREA = "area_m2"
    CHANGE = "change"
    NONE = ""


_FAR = 1000.0
"""Beyond any score: a predicted IoU may leave 0 to 1. Not infinite, which QGIS can't say in the filters it makes."""

_GRADES = (
    (-_FAR, 0.6, "215,48,39"),
    (0.6, 0.7, "252,141,89"),
    (0.7, 0.8, "254,224,139"),
    (0.8, 0.9, "145,207,96"),
    (0.9, _FAR, "26,152,80"),
)
"""Scores from, up to, and their colour: as in the engine's own files."""

_CHANGES = (("unchanged", "26,152,80"), ("moved", "254,178,76"), ("gone", "215,48,39"))
_AREA_COLOURS = ("68,1,84", "33,145,140", "253,231,37")
_N_AREA_CLASSES = 5
_FILL_ALPHA = 90


@dataclass(frozen=True)
class Dress:
    """A look and a history."""

    style: str
    """One of `Style`."""

    title: str
    history: tuple[str, ...]
    """What was done, a sentence each."""

    abstract: str

    def put_on(self, layer: QgsVectorLayer) -> None:
        """Dress a layer."""
        renderer = _renderer(self.style, layer)
        if renderer is not None:
            layer.setRenderer(renderer)
            layer.triggerRepaint()
        metadata = QgsLayerMetadata(layer.metadata())
        metadata.setTitle(self.title)
        metadata.setAbstract(self.abstract)
        metadata.setType("dataset")
        metadata.setKeywords({"gmd:topicCategory": ["imageryBaseMapsEarthCover"]})
        metadata.setCrs(layer.crs())
        for line in self.history:
            metadata.addHistoryItem(line)
        layer.setMetadata(metadata)

    def keep_with(self, layer: QgsVectorLayer) -> None:
        """Write both to the layer's file, or beside it, where it has one."""
        path = layer.source().partition("|")[0]
        if layer.providerType() != "ogr" or not os.path.isfile(path):
            return
        if path.lower().endswith(".gpkg"):
            layer.saveStyleToDatabase(self.style or "default", self.title, True, "")
            uri = f"{path}|layername={_table_of(layer)}"
            QgsProviderRegistry.instance().saveLayerMetadata("ogr", uri, layer.metadata())
        else:
            layer.saveDefaultStyle()
            layer.saveDefaultMetadata()


def history_line(done: str) -> str:
    """A sentence with its time."""
    return f"{QDateTime.currentDateTime().toString('yyyy-MM-dd HH:mm')}: {done}"


def dress(destination: str, dressed_in: Dress, context: QgsProcessingContext) -> None:
    """Dress a result, now or when QGIS loads it. In the main thread, after the algorithm.

    Args:
        destination: as Processing calls the layer.
        dressed_in: what it gets.
        context: of the algorithm.
    """
    if context.willLoadLayerOnCompletion(destination):
        late = _LateDress(dressed_in)
        _KEPT.append(late)
        context.layerToLoadOnCompletionDetails(destination).setPostProcessor(late)
        return
    layer = QgsProcessingUtils.mapLayerFromString(destination, context)
    if isinstance(layer, QgsVectorLayer):
        dressed_in.put_on(layer)
        dressed_in.keep_with(layer)


class _LateDress(QgsProcessingLayerPostProcessorInterface):
    def __init__(self, dressed_in: Dress) -> None:
        super().__init__()
        self._dress = dressed_in

    def postProcessLayer(  # the name is QGIS's
        self, layer: QgsVectorLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        if isinstance(layer, QgsVectorLayer):
            self._dress.put_on(layer)
            self._dress.keep_with(layer)


_KEPT: deque[_LateDress] = deque(maxlen=64)
"""QGIS holds no reference to them: those that nobody else holds are gone before they are called."""


def _table_of(layer: QgsVectorLayer) -> str:
    """Its name in a GeoPackage of results, which has one."""
    return str(layer.dataProvider().subLayers()[0].split(QgsDataProvider.sublayerSeparator())[1])


def _renderer(style: str, layer: QgsVectorLayer) -> QgsFeatureRenderer | None:
    if layer.fields().indexOf(style) < 0:
        return None
    if style == Style.SCORE:
        ranges = [QgsRendererRange(low, high, _fill(colour), _label(low, high)) for low, high, colour in _GRADES]
        return QgsGraduatedSymbolRenderer(style, ranges)
    if style == Style.CHANGE:
        texts = {"unchanged": tr("unchanged"), "moved": tr("moved"), "gone": tr("gone")}
        return QgsCategorizedSymbolRenderer(
            style, [QgsRendererCategory(value, _fill(colour), texts[value]) for value, colour in _CHANGES]
        )
    return _by_area(layer) if style == Style.AREA else None


def _label(low: float, high: float) -> str:
    """Of a range that holds its upper end."""
    if low == -_FAR:
        return f"≤ {high:g}"
    return f"> {low:g}" if high == _FAR else f"{low:g} - {high:g}"


def _by_area(layer: QgsVectorLayer) -> QgsGraduatedSymbolRenderer:
    low, middle, high = (QColor(*map(int, colour.split(",")), _FILL_ALPHA) for colour in _AREA_COLOURS)
    renderer = QgsGraduatedSymbolRenderer(Style.AREA)
    renderer.setSourceSymbol(_fill(_AREA_COLOURS[1]))
    renderer.setClassificationMethod(QgsClassificationQuantile())
    renderer.setSourceColorRamp(QgsGradientColorRamp(low, high, False, [QgsGradientStop(0.5, middle)]))
    renderer.updateClasses(layer, _N_AREA_CLASSES)
    return renderer


def _fill(colour: str) -> QgsFillSymbol:
    return QgsFillSymbol.createSimple(
        {
            "color": f"{colour},{_FILL_ALPHA}",
            "outline_color": f"{colour},255",
            "outline_width": "0.4",
            "outline_width_unit": "MM",
        }
    )
