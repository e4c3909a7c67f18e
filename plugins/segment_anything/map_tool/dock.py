"""The panel beside the map: which raster, where accepted objects go, what is going on, and the keys."""

from __future__ import annotations

import os

from qgis.core import QgsMapLayerProxyModel, QgsRasterLayer, QgsVectorLayer
from qgis.gui import QgsDockWidget, QgsMapLayerComboBox
from qgis.PyQt.QtCore import QDir, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..text import tr
from .tool import keys


def _buttons() -> tuple[tuple[str, str, str], ...]:
    """Action, text and tip of each, in the language of now."""
    return (
        ("accept", tr("Accept"), tr("Put the outline into the target layer (Enter)")),
        ("cycle", tr("Next mask"), tr("Whole, part or sub-part (M)")),
        ("undo", tr("Undo"), tr("Take the last click or box back (Backspace, Ctrl+Z)")),
        ("clear", tr("Start anew"), tr("Forget the object in progress (Esc)")),
    )


class SegmentDock(QgsDockWidget):
    """Shows and asks; it does nothing by itself."""

    raster_chosen = pyqtSignal(object)
    """A `QgsRasterLayer`, or None."""

    file_chosen = pyqtSignal(str)
    """Path of a GeoPackage to make for the objects."""

    acted = pyqtSignal(str)
    """``accept``, ``clear``, ``undo`` or ``cycle``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Segment Anything", parent)
        self.setObjectName("SegmentAnythingDock")
        self._raster = QgsMapLayerComboBox()
        self._raster.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self._raster.layerChanged.connect(self.raster_chosen.emit)
        self._target = QgsMapLayerComboBox()
        self._target.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self._target.setAllowEmptyLayer(True, tr("New scratch layer"))
        self._target.setLayer(None)
        self._state, self._times = _line(), _line()
        self._times.setStyleSheet("color: palette(dark)")
        self._times.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._times.setMinimumHeight(2 * self._times.fontMetrics().lineSpacing())  # or all below would jump
        self._buttons = {action: self._button(action, text, tip) for action, text, tip in _buttons()}
        self.setWidget(self._content())

    @property
    def raster(self) -> QgsRasterLayer | None:
        """The one that is chosen."""
        return self._raster.currentLayer()

    @property
    def target(self) -> QgsVectorLayer | None:
        """Where accepted objects go; None: into a new layer."""
        return self._target.currentLayer()

    @property
    def state_text(self) -> str:
        """What the status line says."""
        return str(self._state.text())

    @property
    def times_text(self) -> str:
        """What the line of times says."""
        return str(self._times.text())

    def choose_raster(self, layer: QgsRasterLayer) -> None:
        """As if the user had."""
        self._raster.setLayer(layer)

    def choose_target(self, layer: QgsVectorLayer | None) -> None:
        """As if the user had."""
        self._target.setLayer(layer)

    def say(self, state: str, times: str = "") -> None:
        """Fill the status line and the line of times."""
        self._state.setText(state)
        self._times.setText(times)

    def enable(self, has_prompts: bool, has_outline: bool, n_masks: int) -> None:
        """Let what can be done be pressed."""
        self._buttons["accept"].setEnabled(has_outline)
        self._buttons["cycle"].setEnabled(n_masks > 1)
        self._buttons["undo"].setEnabled(has_prompts)
        self._buttons["clear"].setEnabled(has_prompts)

    def _content(self) -> QWidget:
        content = QWidget()
        form = QFormLayout()
        form.addRow(tr("Raster"), self._raster)
        target = QHBoxLayout()
        target.addWidget(self._target, 1)
        target.addWidget(self._file_button())
        form.addRow(tr("Objects go to"), target)
        buttons = QHBoxLayout()
        for button in self._buttons.values():
            buttons.addWidget(button)
        column = QVBoxLayout(content)
        column.addLayout(form)
        column.addWidget(self._state)
        column.addWidget(self._times)
        column.addLayout(buttons)
        column.addWidget(_keys())
        column.addStretch(1)
        return content

    def _file_button(self) -> QToolButton:
        button = QToolButton()
        button.setText("…")
        button.setToolTip(tr("Make a GeoPackage for the objects"))
        button.clicked.connect(self._choose_file)
        return button

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self,
            tr("A GeoPackage for the objects"),
            os.path.join(QDir.homePath(), "objects.gpkg"),
            "GeoPackage (*.gpkg)",
        )
        if path:
            self.file_chosen.emit(path if path.lower().endswith(".gpkg") else f"{path}.gpkg")

    def _button(self, action: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda: self.acted.emit(action))
        return button


def _line() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def _keys() -> QLabel:
    rows = "".join(f"<tr><td><b>{key}</b>&nbsp;&nbsp;</td><td>{meaning}</td></tr>" for key, meaning in keys())
    label = QLabel(f"<table>{rows}</table>")
    label.setWordWrap(True)
    return label
