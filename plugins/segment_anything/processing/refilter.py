"""The objects of a finished run, filtered and drawn otherwise: no model, no raster, seconds."""

from __future__ import annotations

import os
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFile,
)

from ..engine.engine import Fields
from ..settings import Backend
from ..text import tr
from . import parameter_groups
from .conversation import summary_lines
from .dressing import Dress, Style, dress, history_line
from .engine_algorithm import EngineAlgorithm
from .parameters import ANY_FILE, Choice, Number, Switch, fields_of, finished
from .result_layers import OBJECTS, copy_layer
from .run_place import unused_file

_ON_SERVER = "run:"
"""How the journals of a server begin."""


class Refilter(EngineAlgorithm):
    """``segmentanything:refilter``."""

    def __init__(self) -> None:
        super().__init__()
        self._dress: tuple[str, Dress] | None = None

    def name(self) -> str:
        """See `EngineAlgorithm`."""
        return "refilter"

    def displayName(self) -> str:
        """See `EngineAlgorithm`."""
        return tr("Re-filter a finished run")

    def shortHelpString(self) -> str:
        """See `EngineAlgorithm`."""
        return tr(
            "Writes the objects of a run once more, with other limits of score and area, another choice among nested "
            "objects, or outlines drawn otherwise. Neither the raster nor the model is needed, so it takes seconds.\n\n"
            "The journal lies beside the objects of the run ('objects.gpkg.journal'); the log of a run with a "
            "temporary layer says where it is. A run that was stopped can be written too."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Add all parameters and outputs."""
        journal = QgsProcessingParameterFile("JOURNAL", tr("Journal of the run"), fileFilter=ANY_FILE)
        self.addParameter(finished(journal, tr("As a run of the other algorithms left it."), False))
        for parameter in (*self._parameters(), self._style()):
            self.addParameter(parameter.definition())
        polygons = QgsProcessing.SourceType.TypeVectorPolygon
        self.addParameter(QgsProcessingParameterFeatureSink("OUTPUT", tr("Objects"), polygons))
        self.addOutput(QgsProcessingOutputNumber("N_OBJECTS", tr("Number of objects")))

    def complaint(self, given: Fields, context: QgsProcessingContext) -> str:
        """See `EngineAlgorithm`."""
        return parameter_groups.complaint(
            {parameter.name: parameter.value(self, given, context) for parameter in self._parameters()}
        )

    def backend(self, given: Fields, context: QgsProcessingContext) -> str:
        """The one that has the journal."""
        journal = self.parameterAsFile(given, "JOURNAL", context)
        return Backend.SERVER if journal.startswith(_ON_SERVER) else Backend.LOCAL

    def processAlgorithm(
        self, given: Fields, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Ask, and copy the answer."""
        file = unused_file(".gpkg")
        request = {
            **fields_of(self._parameters(), self, given, context),
            "journal": self.parameterAsFile(given, "JOURNAL", context),
            "output": file,
        }
        result = self.ask("refilter", request, feedback)
        if result is None:
            return {}
        for line in summary_lines(result):
            feedback.pushInfo(line)
        copied = copy_layer(file, OBJECTS, self, given, "OUTPUT", None, context, feedback)
        os.remove(file)
        history = (history_line(f"{self.id()}: {self.asPythonCommand(given, context)}"),)
        style = str(self._style().value(self, given, context))
        self._dress = (copied.destination, Dress(style, tr("Objects"), history, copied.abstract))
        return {"OUTPUT": copied.destination, "N_OBJECTS": copied.n_features}

    def postProcessAlgorithm(self, context: QgsProcessingContext, feedback: QgsProcessingFeedback) -> dict[str, Any]:
        """Dress the result."""
        if self._dress is not None:
            dress(*self._dress, context)
        return {}

    def _parameters(self) -> list[Number | Choice | Switch]:
        compare = Switch(
            "COMPARE",
            "compare",
            tr("Tell what became of old outlines"),
            tr("Of a run of 'Update a layer of outlines'."),
            False,
        )
        return [*parameter_groups.results(), compare]

    def _style(self) -> Choice:
        options = [
            (Style.SCORE, tr("Score")),
            (Style.AREA, tr("Area")),
            (Style.CHANGE, tr("Change")),
            (Style.NONE, tr("One colour")),
        ]
        return Choice("STYLE", "style", tr("Colour the objects by"), "", options)
