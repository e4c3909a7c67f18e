"""One object for each feature of a layer."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import QgsProcessing, QgsProcessingContext, QgsProcessingFeedback, QgsProcessingParameterFeatureSource

from ..engine.engine import Fields
from ..text import tr
from .feature_file import write_prompts
from .parameters import Choice, Parameter, finished
from .run_algorithm import RunAlgorithm


class SegmentPrompts(RunAlgorithm):
    """``segmentanything:segmentprompts``."""

    def name(self) -> str:
        """See `EngineAlgorithm`."""
        return "segmentprompts"

    def displayName(self) -> str:
        """See `EngineAlgorithm`."""
        return tr("Segment with prompts")

    def shortHelpString(self) -> str:
        """See `EngineAlgorithm`."""
        return tr(
            "Draws the outline of one object for each feature of a layer: points lie on the objects, boxes are around "
            "them, polygons are rough outlines of them.\n\n"
            "The objects carry the fields of their features with 'prompt_' before the names, and the feature's id as "
            "'prompt_id'. Features outside the raster have no object; the log says how many.\n\n"
            "The layer may have any CRS. A multipoint is several clicks on one object."
        )

    def add_inputs(self) -> None:
        """See `RunAlgorithm`."""
        prompts = QgsProcessingParameterFeatureSource(
            "PROMPTS", tr("Prompts"), [QgsProcessing.SourceType.TypeVectorAnyGeometry]
        )
        self.addParameter(finished(prompts, tr("Points, boxes or polygons, in any CRS."), False))

    def own_parameters(self) -> Sequence[Parameter]:
        """See `RunAlgorithm`."""
        return [
            Choice(
                "PROMPT_KIND",
                "prompt_kind",
                tr("Take the features as"),
                tr("By their kind: points as clicks, polygons as outlines. Of lines only boxes can be taken."),
                [
                    (None, tr("What they are")),
                    ("points", tr("Clicks on the objects")),
                    ("boxes", tr("Boxes around the objects")),
                    ("polygons", tr("Rough outlines of the objects")),
                ],
                is_advanced=False,
            )
        ]

    def own_fields(self, given: Fields, context: QgsProcessingContext, feedback: QgsProcessingFeedback) -> Fields:
        """See `RunAlgorithm`."""
        return {"prompts": prompts_file(self, given, context, feedback)}


def prompts_file(
    algorithm: RunAlgorithm, given: Fields, context: QgsProcessingContext, feedback: QgsProcessingFeedback
) -> str:
    """The features of the parameter PROMPTS as a file of the raster's CRS."""
    source = algorithm.parameterAsSource(given, "PROMPTS", context)
    return write_prompts(source, algorithm.raster.crs, context.transformContext(), feedback)
