"""The map tool: what mouse and keys mean. It decides nothing about objects; that is `Session`'s."""

from __future__ import annotations

from typing import Callable

from qgis.core import QgsPointXY
from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsMapTool
from qgis.PyQt.QtCore import QEvent, QObject, QPoint, Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import QApplication

from ..text import tr

_ACTIONS: dict[tuple[int, bool], str] = {
    (int(Qt.Key.Key_Return), False): "accept",
    (int(Qt.Key.Key_Enter), False): "accept",
    (int(Qt.Key.Key_Escape), False): "clear",
    (int(Qt.Key.Key_Backspace), False): "undo",
    (int(Qt.Key.Key_Z), True): "undo",
    (int(Qt.Key.Key_M), False): "cycle",
}
"""By key and whether Ctrl is held."""


def keys() -> tuple[tuple[str, str], ...]:
    """What mouse and keys do, for people."""
    return (
        (tr("Click"), tr("this is the object")),
        (tr("Right-click"), tr("this is not")),
        (tr("Drag"), tr("a box around it")),
        (tr("M"), tr("next mask: whole, part, sub-part")),
        (tr("Enter"), tr("accept")),
        (tr("Backspace, Ctrl+Z"), tr("take the last back")),
        (tr("Esc"), tr("start anew")),
    )


class SegmentMapTool(QgsMapTool):
    """Turns mouse and keys into signals; points are in the CRS of the canvas.

    Args:
        canvas: to point at.
        has_object: whether an object is in progress. Only then its keys go before QGIS's shortcuts, so that Ctrl+Z
            undoes edits of layers as ever where there is nothing of this tool's to undo.
    """

    clicked = pyqtSignal(object, bool)
    """A `QgsPointXY`, and whether it is of the object."""

    dragging = pyqtSignal(tuple)
    """The four corners of the box as it is now; none when the drag is over."""

    boxed = pyqtSignal(tuple)
    """The four corners of a finished box."""

    acted = pyqtSignal(str)
    """``accept``, ``clear``, ``undo`` or ``cycle``."""

    became_active = pyqtSignal(bool)

    def __init__(self, canvas: QgsMapCanvas, has_object: Callable[[], bool]) -> None:
        super().__init__(canvas)
        self._has_object = has_object
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._pressed_at: QPoint | None = None

    def activate(self) -> None:
        """Begin; QGIS calls it."""
        super().activate()
        self.canvas().installEventFilter(self)
        self.canvas().setFocus()
        self.became_active.emit(True)

    def deactivate(self) -> None:
        """End; QGIS calls it."""
        self.canvas().removeEventFilter(self)
        self._end_drag()
        self.became_active.emit(False)
        super().deactivate()

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:
        """A click or a box begins."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.pos()

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:
        """Show the box, once the mouse has moved further than a hand trembles."""
        if self._pressed_at is not None:
            is_box = self._is_box(event.pos())
            self.dragging.emit(self._corners(self._pressed_at, event.pos()) if is_box else ())

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:
        """A click or a box is finished."""
        if event.button() == Qt.MouseButton.RightButton and self._pressed_at is None:
            self.clicked.emit(self.toMapCoordinates(event.pos()), False)
        if event.button() != Qt.MouseButton.LeftButton or self._pressed_at is None:
            return
        pressed_at, is_box = self._pressed_at, self._is_box(event.pos())
        self._end_drag()
        if is_box:
            self.boxed.emit(self._corners(pressed_at, event.pos()))
        else:
            self.clicked.emit(self.toMapCoordinates(event.pos()), True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Act on the keys of this tool; QGIS gets the others."""
        action = _action_of(event)
        if action is None:
            event.ignore()
            return
        event.accept()
        self.acted.emit(action)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim this tool's keys before shortcuts of QGIS's menus, such as undoing an edit, take them."""
        if event.type() == QEvent.Type.ShortcutOverride and _action_of(event) is not None and self._has_object():
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress and self._pressed_at is not None and _action_of(event) == "clear":
            self._end_drag()  # the canvas itself hands out no keys while a button is down
            return True
        return bool(super().eventFilter(watched, event))

    def _is_box(self, now: QPoint) -> bool:
        across = now - self._pressed_at  # type: ignore[operator]  # only asked while a button is down
        return across.x() != 0 != across.y() and across.manhattanLength() >= QApplication.startDragDistance()

    def _end_drag(self) -> None:
        self._pressed_at = None
        self.dragging.emit(())

    def _corners(self, one: QPoint, other: QPoint) -> tuple[QgsPointXY, ...]:
        """All four, going round: on a turned map the box is no rectangle of map coordinates."""
        around = (one, QPoint(other.x(), one.y()), other, QPoint(one.x(), other.y()))
        return tuple(self.toMapCoordinates(corner) for corner in around)


def _action_of(event: QKeyEvent) -> str | None:
    is_ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
    return _ACTIONS.get((int(event.key()), is_ctrl))
