"""A picture of a layer, for layers that are no files, views that are too wide, and servers that see no files."""

from __future__ import annotations

import base64
import hashlib
from typing import Callable

from qgis.core import (
    QgsBilinearRasterResampler,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QBuffer, QIODevice, QSize
from qgis.PyQt.QtGui import QColor, QImage

from .mailbox import View
from .squares import Square

_SIDE_PX = 1024
"""What the model sees of a view."""


class Rendering:
    """One square of a layer, in the layer's CRS, rendered by QGIS's own threads. Lives in the main thread."""

    def __init__(self, layer: QgsRasterLayer, square: Square) -> None:
        self._square = square
        self._view: View | None = None
        self._waiting: list[Callable[[View], None]] = []
        self._layer = _smooth(layer)
        self._job = QgsMapRendererParallelJob(_settings(self._layer, square))
        self._job.finished.connect(self._on_finished)
        self._job.start()

    def is_of(self, square: Square) -> bool:
        """Whether this is the picture of that square."""
        return self._square == square

    def then(self, take: Callable[[View], None]) -> None:
        """Hand the view over, once it is there, instead of to whoever waited before."""
        self._waiting = [take]
        if self._view is not None:
            self._hand_over()

    def cancel(self) -> None:
        """Forget it; whoever waits gets nothing."""
        self._waiting = []
        if self._job.isActive():
            self._job.cancelWithoutBlocking()

    def _on_finished(self) -> None:
        if not self._waiting:
            return
        png = _png(self._job.renderedImage())
        scale = self._square.side / _SIDE_PX
        left, _, _, top = self._square.xyxy
        self._view = View(
            key=hashlib.sha256(png + repr(self._square).encode()).hexdigest(),
            fields={
                "picture": base64.b64encode(png).decode("ascii"),
                "transform": [scale, 0.0, left, 0.0, -scale, top],
            },
        )
        self._hand_over()

    def _hand_over(self) -> None:
        waiting, self._waiting = self._waiting, []
        for take in waiting:
            take(self._view)  # type: ignore[arg-type]  # both callers know that it is there


def _settings(layer: QgsRasterLayer, square: Square) -> QgsMapSettings:
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setTransformContext(QgsProject.instance().transformContext())
    settings.setExtent(QgsRectangle(*square.xyxy))
    settings.setOutputSize(QSize(_SIDE_PX, _SIDE_PX))
    settings.setBackgroundColor(QColor(0, 0, 0))
    return settings


def _smooth(layer: QgsRasterLayer) -> QgsRasterLayer:
    """A copy that takes means where it is shown smaller: the nearest pixel of several is noise to the model."""
    copy = layer.clone()
    copy.setOpacity(1.0)
    resampling = copy.resampleFilter()
    if resampling is not None:
        resampling.setZoomedOutResampler(QgsBilinearRasterResampler())
        resampling.setMaxOversampling(4.0)
    return copy


def _png(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.convertToFormat(QImage.Format.Format_RGB888).save(buffer, "PNG", 80)
    return bytes(buffer.data())
