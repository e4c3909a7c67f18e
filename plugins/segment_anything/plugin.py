"""The plugin as QGIS starts and ends it."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from qgis.core import QgsApplication, QgsSettings
from qgis.PyQt.QtCore import QCoreApplication, QTranslator

from .engine.choose import close_engines
from .engine.wording import translate_by
from .processing.provider import SegmentAnythingProvider
from .text import tr

_PARTS = ("map_tool", "settings_page")
"""Packages with a function ``create(iface)``, whose result has ``unload()``; only with QGIS's windows."""


class SegmentAnythingPlugin:
    """Registers the algorithms and, where QGIS has windows, the map tool and the page of settings."""

    def __init__(self, iface: Any) -> None:  # noqa: ANN401 - see classFactory
        self._iface = iface
        self._provider: SegmentAnythingProvider | None = None
        self._translator: QTranslator | None = None
        self._parts: list[Any] = []

    def initProcessing(self) -> None:
        """Register the algorithms; qgis_process calls this alone."""
        self._translate()
        self._provider = SegmentAnythingProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:
        """Register all."""
        self.initProcessing()
        for name in _PARTS:
            self._parts.append(import_module(f"{__package__}.{name}").create(self._iface))

    def unload(self) -> None:
        """Take back all, and end the worker."""
        for part in reversed(self._parts):
            part.unload()
        self._parts.clear()
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
        if self._translator is not None:
            QCoreApplication.removeTranslator(self._translator)
            self._translator = None
        close_engines()

    def _translate(self) -> None:
        language = str(QgsSettings().value("locale/userLocale", "en"))[:2]
        file = os.path.join(os.path.dirname(__file__), "i18n", f"segment_anything_{language}.qm")
        translator = QTranslator()
        if os.path.exists(file) and translator.load(file):
            QCoreApplication.installTranslator(translator)
            self._translator = translator
        translate_by(tr)
