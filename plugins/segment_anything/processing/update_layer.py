"""A layer of outlines brought up to newer imagery."""

from __future__ import annotations

from qgis.core import QgsProcessing, QgsProcessingContext, QgsProcessingFeedback, QgsProcessingParameterFeatureSource

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
            "Each outline says what became of the old one: 'iou_to_old' (1: the same), 'shift_east' and 'shift_north' "
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

    def styles(self) -> list[tuple[str, str]]:
        """See `RunAlgorithm`."""
        return [(Style.CHANGE, tr("Change")), *super().styles()]
