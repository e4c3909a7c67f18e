"""What the map shows of the object in progress: its outline, the points and the box."""

from __future__ import annotations

from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsPointXY, QgsRectangle, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsRubberBand, QgsVertexMarker
from qgis.PyQt.QtGui import QColor

from .crossing import Crossing
from .prompts import PromptStack

_FOREGROUND, _BACKGROUND = QColor(0, 158, 115), QColor(213, 94, 0)
"""Green and vermilion that colour-blind people tell apart; the shapes differ too."""

_OUTLINE, _FILL, _HALO = QColor(255, 225, 0), QColor(255, 225, 0, 70), QColor(0, 0, 0, 160)
_BOX = QColor(0, 114, 178)


class Preview:
    """Items of the canvas; it shows nothing until told."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        self._canvas = canvas
        self._mask = _band(canvas, _OUTLINE, _FILL, width_px=2)
        self._mask.setSecondaryStrokeColor(_HALO)
        self._box = _band(canvas, _BOX, QColor(0, 0, 0, 0), width_px=2)
        self._drag = _band(canvas, _BOX, QColor(0, 114, 178, 30), width_px=1)
        self._markers: list[QgsVertexMarker] = []

    def show_mask(self, geometry: QgsGeometry | None, crs: QgsCoordinateReferenceSystem) -> None:
        """Draw an outline, given in a CRS, in place of the one before; None draws none."""
        self._mask.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
        if geometry is not None:
            self._mask.setToGeometry(geometry, crs)

    def show_prompts(self, prompts: PromptStack, crs: QgsCoordinateReferenceSystem) -> None:
        """Draw points and box, given in a CRS, in place of those before."""
        self._drop_markers()
        to_canvas = Crossing(crs, self._canvas.mapSettings().destinationCrs())
        for click in prompts.clicks:
            ((x, y),) = to_canvas.points([QgsPointXY(*click.xy)])
            self._markers.append(_marker(self._canvas, QgsPointXY(x, y), click.is_foreground))
        self._box.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
        if prompts.box is not None:
            self._box.setToGeometry(QgsGeometry.fromRect(QgsRectangle(*prompts.box.xyxy)), crs)

    def show_drag(self, corners: tuple[QgsPointXY, ...]) -> None:
        """Draw the box that is being dragged; no corners draw none."""
        self._drag.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
        if corners:
            self._drag.setToGeometry(
                QgsGeometry.fromPolygonXY([list(corners)]), self._canvas.mapSettings().destinationCrs()
            )

    @property
    def is_showing_mask(self) -> bool:
        """Whether there is an outline."""
        return self._mask.numberOfVertices() > 0

    @property
    def is_showing_drag(self) -> bool:
        """Whether there is a box that is being dragged."""
        return self._drag.numberOfVertices() > 0

    @property
    def n_markers(self) -> int:
        """How many points are drawn."""
        return len(self._markers)

    def close(self) -> None:
        """Take everything off the canvas."""
        self._drop_markers()
        for band in (self._mask, self._box, self._drag):
            self._canvas.scene().removeItem(band)

    def _drop_markers(self) -> None:
        for marker in self._markers:
            self._canvas.scene().removeItem(marker)
        self._markers = []


def _band(canvas: QgsMapCanvas, stroke: QColor, fill: QColor, width_px: int) -> QgsRubberBand:
    band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
    band.setStrokeColor(stroke)
    band.setFillColor(fill)
    band.setWidth(width_px)
    return band


def _marker(canvas: QgsMapCanvas, point: QgsPointXY, is_foreground: bool) -> QgsVertexMarker:
    marker = QgsVertexMarker(canvas)
    marker.setCenter(point)
    marker.setIconType(QgsVertexMarker.IconType.ICON_CIRCLE if is_foreground else QgsVertexMarker.IconType.ICON_X)
    marker.setColor(_FOREGROUND if is_foreground else _BACKGROUND)
    marker.setFillColor(_FOREGROUND)
    marker.setIconSize(11)
    marker.setPenWidth(3)
    return marker
