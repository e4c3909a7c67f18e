"""The map tool as a part of the plugin: its action, its panel, and who hears whom."""

from __future__ import annotations

import os
from typing import Any, Callable

from qgis.core import QgsRasterLayer, QgsVectorLayer
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, Qt
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QAction

from ..engine.engine import Engine
from ..text import tr
from .crossing import CrossingError
from .dock import SegmentDock
from .messages import Messages
from .outcome import spoken_area, spoken_mask
from .outlines import area_m2
from .session import Session
from .target import TargetError, add_object, new_file_layer, new_scratch_layer
from .tool import SegmentMapTool

MENU = "Segment Anything"
_ICON = os.path.join(os.path.dirname(os.path.dirname(__file__)), "icon.svg")


class MapToolPart(QObject):
    """All of the map tool in one QGIS window."""

    def __init__(self, iface: Any, find_engine: Callable[[], Engine]) -> None:  # noqa: ANN401 - QGIS's iface has no type outside QGIS
        super().__init__(iface.mainWindow())
        self._iface = iface
        self._canvas: QgsMapCanvas = iface.mapCanvas()
        self.session = Session(self._canvas, find_engine, self)
        self.tool = SegmentMapTool(self._canvas, lambda: bool(self.session.prompts))
        self.dock = SegmentDock(iface.mainWindow())
        self.messages = Messages(iface.messageBar(), self)
        self.action = QAction(QIcon(_ICON), tr("Segment objects by clicking"), iface.mainWindow())
        self._busy_text = ""
        self._install()
        self._connect()

    def unload(self) -> None:
        """Take everything back; the engine is ended by the plugin."""
        self._canvas.unsetMapTool(self.tool)
        self.session.close()
        self.messages.close()
        self._iface.removePluginRasterMenu(MENU, self.action)
        self._iface.removeToolBarIcon(self.action)
        self._iface.removeDockWidget(self.dock)
        self.dock.deleteLater()
        self.tool.deleteLater()
        self.action.deleteLater()
        self.deleteLater()

    def act(self, name: str) -> None:
        """Do what a key or a button says: ``accept``, ``clear``, ``undo`` or ``cycle``."""
        {
            "accept": self.accept,
            "clear": self.session.clear,
            "undo": self.session.undo,
            "cycle": self.session.cycle,
        }[name]()

    def accept(self) -> None:
        """Put the outline that is shown into the target layer, or a new one, and begin the next object."""
        accepted = self.session.accepted()
        if accepted is None or self.session.raster is None:
            self.dock.say(tr("There is no outline to accept yet: point at an object first."))
            return
        outline, known = accepted
        crs = self.session.raster.crs()
        target = self.dock.target or self._chosen(new_scratch_layer(crs))
        try:
            add_object(target, outline, crs, known)
        except (TargetError, CrossingError) as error:
            self.messages.failure(str(error))
            return
        self.messages.forget_failure()
        self.session.clear()
        self.dock.say(
            tr("Accepted into '{0}': {1}, score {2}.").format(
                target.name(), spoken_area(known.area_m2), f"{known.score:.2f}"
            )
        )

    def _install(self) -> None:
        self.action.setCheckable(True)
        self.tool.setAction(self.action)
        self._iface.addToolBarIcon(self.action)
        self._iface.addPluginToRasterMenu(MENU, self.action)
        self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.hide()

    def _connect(self) -> None:
        self.action.triggered.connect(self._start)
        self.tool.clicked.connect(self.session.add_click)
        self.tool.boxed.connect(self.session.add_box)
        self.tool.dragging.connect(self.session.preview.show_drag)
        self.tool.acted.connect(self.act)
        self.tool.became_active.connect(self._on_active)
        self.dock.acted.connect(self.act)
        self.dock.raster_chosen.connect(self.session.set_raster)
        self.dock.file_chosen.connect(self._make_file)
        self.session.changed.connect(self._show_state)
        self.session.failed.connect(self.messages.failure)
        self.session.became_busy.connect(self._on_busy)
        self.session.warned.connect(self.messages.info)

    def _start(self) -> None:
        self._canvas.setMapTool(self.tool)

    def _on_active(self, is_active: bool) -> None:
        if not is_active:
            self.session.stop()
            self.messages.busy("")
            return
        self.dock.show()
        active = self._iface.activeLayer()
        if isinstance(active, QgsRasterLayer):
            self.dock.choose_raster(active)
        self.session.set_raster(self.dock.raster)
        self.session.start()
        self._show_state()

    def _on_busy(self, text: str) -> None:
        self._busy_text = text
        self.messages.busy(text)
        self._show_state()

    def _show_state(self) -> None:
        session, shown, outline = self.session, self.session.shown, self.session.outline
        n_masks = 0 if session.answer is None else len(session.answer.masks)
        self.dock.enable(bool(session.prompts), outline is not None, n_masks)
        if self._busy_text:
            self.dock.say(f"{self._busy_text[:1].upper()}{self._busy_text[1:]}…")
        elif session.raster is None:
            self.dock.say(tr("Add a raster to point at."))
        elif not session.prompts:
            self.dock.say(tr("Click an object, or drag a box around it."))
        elif shown is None:
            self.dock.say(tr("Asking the model…"))
        elif outline is None:
            self.dock.say(tr("The model sees no object there: add a click, or drag a box around it."))
        else:
            self.messages.forget_failure()
            area = spoken_area(area_m2(outline, session.raster.crs()))
            self.dock.say(_sentence(spoken_mask(shown[1], n_masks, shown[0].score, area)), str(session.steps or ""))

    def _make_file(self, path: str) -> None:
        if self.session.raster is None:
            self.messages.failure(tr("a layer for objects takes the CRS of the raster: add a raster first"))
            return
        try:
            self._chosen(new_file_layer(path, self.session.raster.crs()))
        except TargetError as error:
            self.messages.failure(str(error))

    def _chosen(self, layer: QgsVectorLayer) -> QgsVectorLayer:
        self.dock.choose_target(layer)
        return layer


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
