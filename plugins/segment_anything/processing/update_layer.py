"""A layer of outlines brought up to newer imagery."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
)

from ..engine.engine import Fields
from ..text import tr
from .dressing import Style
from .parameters import finished
from .run_algorithm import RunAlgorithm
from .segment_prompts import prompts_file


class UpdateLayer(RunAlgorithm):
    """``segmentanything:updatelayer``."""

    def name(self) -> str:
        """See `EngineAlgorithm`."""
        return "updatelayer"

    def displayName(self) -> str:
        """See `EngineAlgorithm`."""
        return tr("Update a layer of outlines")

    def shortHelpString(self) -> str:
        """See `EngineAlgorithm`."""
        return tr(
            "Takes the polygons of a layer for prompts on newer imagery and draws each object anew.\n\n"
            "First the layer as a whole is laid where it fits the picture best, as old and new imagery seldom lie on "
            "each other: the log says by how much it lies off. Then each outline says what became of the old one: "
            "'iou_to_old' (1: the same), 'shift_east' and 'shift_north' "
            "in the units of the raster's CRS, and 'change': unchanged, moved or gone. The old fields are carried "
            "with 'prompt_' before their names, and the feature's id as 'prompt_id', for joining the old layer.\n\n"
            "A result to be looked at, not a verdict: start with the objects said to be moved or gone."
        )

    def add_inputs(self) -> None:
        """See `RunAlgorithm`."""
        outlines = QgsProcessingParameterFeatureSource(
            "PROMPTS", tr("Layer to update"), [QgsProcessing.SourceType.TypeVectorPolygon]
        )
        self.addParameter(finished(outlines, tr("Polygons, in any CRS."), False))

    def own_fields(self, given: Fields, context: QgsProcessingContext, feedback: QgsProcessingFeedback) -> Fields:
        """See `RunAlgorithm`."""
        prompts = prompts_file(self, given, context, feedback)
        return {"prompts": prompts, "prompt_kind": "polygons", "compare": True}

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """See `RunAlgorithm`."""
        super().initAlgorithm(configuration)
        self.addOutput(QgsProcessingOutputNumber("SHIFT_EAST", tr("Shift of the whole layer to the east")))
        self.addOutput(QgsProcessingOutputNumber("SHIFT_NORTH", tr("Shift of the whole layer to the north")))

    def own_results(self, result: Fields) -> Fields:
        """See `RunAlgorithm`: in units of the raster's CRS; none where nobody can tell."""
        shift = result.get("layer_shift") or {}
        return {"SHIFT_EAST": shift["east"], "SHIFT_NORTH": shift["north"]} if shift.get("n_outlines") else {}

    def styles(self) -> list[tuple[str, str]]:
        """See `RunAlgorithm`."""
        return [(Style.CHANGE, tr("Change")), *super().styles()]
