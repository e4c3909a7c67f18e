"""What the message bar says; it never says the same thing twice at once."""

from __future__ import annotations

from qgis.core import Qgis
from qgis.gui import QgsMessageBar, QgsMessageBarItem
from qgis.PyQt.QtCore import QObject, QTimer

_TITLE = "Segment Anything"
_NOTICEABLE_MS = 400
"""What is over sooner isn't worth a message."""

_INFO_S = 5


class Messages(QObject):
    """Speaks through a message bar."""

    def __init__(self, bar: QgsMessageBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bar = bar
        self._busy_text = ""
        self._busy_item: QgsMessageBarItem | None = None
        self._failure: QgsMessageBarItem | None = None
        self._failure_text = ""
        self._noticeable = QTimer(self)
        self._noticeable.setSingleShot(True)
        self._noticeable.setInterval(_NOTICEABLE_MS)
        self._noticeable.timeout.connect(self._show_busy)
        bar.widgetRemoved.connect(self._on_removed)

    def busy(self, text: str) -> None:
        """Say what takes a while; an empty text when it is over."""
        if text == self._busy_text:
            return
        self._busy_text = text
        self._hide_busy()
        if text:
            self._noticeable.start()
        else:
            self._noticeable.stop()

    def failure(self, text: str) -> None:
        """Say what went wrong and what to do; it stays until the user closes it or something works again."""
        if self._failure is not None and text == self._failure_text:
            return
        self.forget_failure()
        self._failure_text = text
        self._failure = self._push(text, Qgis.MessageLevel.Warning, 0)

    def forget_failure(self) -> None:
        """Take the failure away: something has worked since."""
        if self._failure is not None:
            self._bar.popWidget(self._failure)
        self._failure = None

    def info(self, text: str) -> None:
        """Say something in passing."""
        self._push(text, Qgis.MessageLevel.Info, _INFO_S)

    def close(self) -> None:
        """Take away what is shown."""
        self.busy("")
        self.forget_failure()
        self._bar.widgetRemoved.disconnect(self._on_removed)

    def _show_busy(self) -> None:
        self._busy_item = self._push(f"{self._busy_text}…", Qgis.MessageLevel.Info, 0)

    def _hide_busy(self) -> None:
        if self._busy_item is not None:
            self._bar.popWidget(self._busy_item)
        self._busy_item = None

    def _push(self, text: str, level: Qgis.MessageLevel, seconds: int) -> QgsMessageBarItem:
        return self._bar.pushWidget(QgsMessageBar.createMessage(_TITLE, _sentence(text)), level, seconds)

    def _on_removed(self, item: QgsMessageBarItem) -> None:
        if item is self._failure:
            self._failure = None
        if item is self._busy_item:
            self._busy_item = None


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
