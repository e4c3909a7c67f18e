"""The page as QGIS's options dialog knows it."""

from __future__ import annotations

import os
from typing import Any

from qgis.gui import QgsOptionsPageWidget, QgsOptionsWidgetFactory
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QVBoxLayout, QWidget

from ..settings import read_settings, read_token, write_settings, write_token
from .form import SettingsForm

_TITLE = "Segment Anything"
_ICON = os.path.join(os.path.dirname(os.path.dirname(__file__)), "icon.svg")
PAGE_NAME = "SegmentAnythingOptions"
"""For ``iface.showOptionsDialog(currentPage=...)``."""


class SettingsPage(QgsOptionsPageWidget):
    """Shows the settings of now, and keeps what the user made of them when the dialog is accepted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(PAGE_NAME)
        settings = read_settings()
        self._token = read_token(settings)
        self.form = SettingsForm(settings, self._token)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)

    def apply(self) -> None:
        """Keep all; QGIS calls it."""
        settings = self.form.settings
        if self.form.token != self._token:
            settings, is_encrypted = write_token(settings, self.form.token)
            if not is_encrypted:
                self.form.warn_of_plain_token()
        write_settings(settings)


class SettingsFactory(QgsOptionsWidgetFactory):
    """Makes the page whenever the dialog opens."""

    def __init__(self) -> None:
        super().__init__()
        self.setTitle(_TITLE)
        self.setIcon(QIcon(_ICON))

    def createWidget(self, parent: QWidget | None = None) -> SettingsPage:
        """The page; QGIS calls it."""
        return SettingsPage(parent)


class SettingsPart:
    """The page as a part of the plugin."""

    def __init__(self, iface: Any) -> None:  # noqa: ANN401 - see `create`
        self._iface = iface
        self.factory = SettingsFactory()
        iface.registerOptionsWidgetFactory(self.factory)

    def unload(self) -> None:
        """Take the page away."""
        self._iface.unregisterOptionsWidgetFactory(self.factory)
