"""The provider: it is always there, and its algorithms say themselves what they lack."""

from __future__ import annotations

import os

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..engine.choose import what_is_missing
from .refilter import Refilter
from .segment_prompts import SegmentPrompts
from .segment_raster import SegmentRaster
from .set_up import SetUp
from .update_layer import UpdateLayer

PROVIDER_ID = "segmentanything"


class SegmentAnythingProvider(QgsProcessingProvider):
    """Algorithms of ``segmentanything:...``; their ids are public and never change."""

    def id(self) -> str:
        """As part of the algorithms' ids."""
        return PROVIDER_ID

    def name(self) -> str:
        """As the toolbox shows it."""
        return "Segment Anything"

    def icon(self) -> QIcon:
        """As the toolbox shows it."""
        return QIcon(self.svgIconPath())

    def svgIconPath(self) -> str:
        """Of the plugin."""
        return os.path.join(os.path.dirname(os.path.dirname(__file__)), "icon.svg")

    def loadAlgorithms(self) -> None:
        """Add each."""
        for algorithm in (SegmentRaster, SegmentPrompts, UpdateLayer, Refilter, SetUp):
            self.addAlgorithm(algorithm())

    def warningMessage(self) -> str:
        """What is missing and how it comes there."""
        return what_is_missing()
