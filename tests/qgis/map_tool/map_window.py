"""As much of QGIS's window as the map tool asks for, of real widgets, and what a hand does on it."""

from __future__ import annotations

import time
from collections.abc import Callable

from qgis.core import QgsCoordinateReferenceSystem, QgsMapLayer, QgsPointXY, QgsRasterLayer, QgsRectangle
from qgis.gui import QgsMapCanvas, QgsMessageBar
from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QMouseEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QMainWindow, QVBoxLayout, QWidget
from scene import px_to_map


class Window:
    """What the map tool asks of QGIS's interface, and what a hand does on it."""

    def __init__(self) -> None:
        self._window = QMainWindow()
        content = QWidget()
        column = QVBoxLayout(content)
        self.bar, self.canvas = QgsMessageBar(), QgsMapCanvas()
        column.addWidget(self.bar)
        column.addWidget(self.canvas, 1)
        self._window.setCentralWidget(content)
        self._window.resize(900, 640)
        self._window.show()
        QTest.qWaitForWindowExposed(self._window)
        self.active: QgsMapLayer | None = None
        self.actions: list[object] = []

    def mainWindow(self) -> QMainWindow:
        return self._window

    def mapCanvas(self) -> QgsMapCanvas:
        return self.canvas

    def messageBar(self) -> QgsMessageBar:
        return self.bar

    def activeLayer(self) -> QgsMapLayer | None:
        return self.active

    def addDockWidget(self, area: Qt.DockWidgetArea, dock: QWidget) -> None:
        self._window.addDockWidget(area, dock)

    def removeDockWidget(self, dock: QWidget) -> None:
        self._window.removeDockWidget(dock)

    def addToolBarIcon(self, action: object) -> None:
        self.actions.append(action)

    def removeToolBarIcon(self, action: object) -> None:
        self.actions.remove(action)

    def addPluginToRasterMenu(self, menu: str, action: object) -> None:
        self.actions.append(action)

    def removePluginRasterMenu(self, menu: str, action: object) -> None:
        self.actions.remove(action)

    def look_at(self, layer: QgsRasterLayer, crs: str | None = None, extent: QgsRectangle | None = None) -> None:
        """Show a layer, in a CRS of the map's own; the extent is the layer's."""
        self.canvas.setDestinationCrs(layer.crs() if crs is None else QgsCoordinateReferenceSystem(crs))
        self.canvas.setLayers([layer])
        self.canvas.setExtent(self.canvas.mapSettings().layerExtentToOutputExtent(layer, extent or layer.extent()))
        self.canvas.refresh()
        self.canvas.waitWhileRendering()

    def at(self, layer: QgsRasterLayer, x_px: float, y_px: float) -> QPoint:
        """Where a pixel of the scene is on the screen."""
        to_map = self.canvas.mapSettings().layerToMapCoordinates
        x, y = px_to_map(x_px, y_px)
        screen = self.canvas.getCoordinateTransform().transform(to_map(layer, QgsPointXY(x, y)))
        return QPoint(round(screen.x()), round(screen.y()))

    def click(self, at: QPoint, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
        QTest.mouseClick(self.canvas.viewport(), button, Qt.KeyboardModifier.NoModifier, at)

    def drag(self, one: QPoint, other: QPoint, release: bool = True) -> None:
        viewport, none = self.canvas.viewport(), Qt.KeyboardModifier.NoModifier
        QTest.mousePress(viewport, Qt.MouseButton.LeftButton, none, one)
        for at in ((one + other) / 2, other):  # QTest.mouseMove knows of no button that is held
            left, no_button = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
            QApplication.sendEvent(viewport, QMouseEvent(QEvent.Type.MouseMove, QPointF(at), no_button, left, none))
        if release:
            self.release(other)

    def release(self, at: QPoint) -> None:
        none = Qt.KeyboardModifier.NoModifier
        QTest.mouseRelease(self.canvas.viewport(), Qt.MouseButton.LeftButton, none, at)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.canvas, key, modifier)

    def messages(self) -> list[str]:
        return [item.text() for item in self.bar.items()]

    def close(self) -> None:
        self._window.close()
        self._window.deleteLater()
        QApplication.processEvents()


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Let events happen until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it didn't happen in time"
        QTest.qWait(5)
