"""What the three algorithms that segment a raster have in common."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from qgis.core import (
    QgsGeometry,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsRectangle,
)

from ..engine.engine import Fields
from ..text import tr
from . import parameter_groups
from .conversation import model_line, summary_lines
from .dressing import Dress, Style, dress, history_line
from .engine_algorithm import EngineAlgorithm, backend_choice
from .feature_file import write_area
from .parameters import Choice, Parameter, Switch, fields_of, finished
from .raster_source import RasterSource
from .result_layers import CUTS, OBJECTS, TILES, copy_layer
from .run_place import journal_path, unused_file

_N_FAILURES_SHOWN = 5


class RunAlgorithm(EngineAlgorithm):
    """An algorithm that asks for a ``run``."""

    def __init__(self) -> None:
        super().__init__()
        self._raster: RasterSource | None = None
        self._dresses: list[tuple[str, Dress]] = []

    @property
    def raster(self) -> RasterSource:
        """The one to be segmented."""
        if self._raster is None:
            raise QgsProcessingException(tr("The algorithm wasn't prepared: run it through Processing."))
        return self._raster

    def own_parameters(self) -> Sequence[Parameter]:
        """Those of this algorithm that are fields of the request."""
        return ()

    def add_inputs(self) -> None:
        """Add other inputs than the raster."""

    def own_fields(self, given: Fields, context: QgsProcessingContext, feedback: QgsProcessingFeedback) -> Fields:
        """Fields of the request that take more than a parameter."""
        return {}

    def own_results(self, result: Fields) -> Fields:
        """Outputs of this algorithm alone, of the result of the request."""
        return {}

    def styles(self) -> list[tuple[str, str]]:
        """What the results may be coloured by; the first is the default."""
        return [(Style.SCORE, tr("Score")), (Style.AREA, tr("Area")), (Style.NONE, tr("One colour"))]

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Add all parameters and outputs."""
        self.addParameter(QgsProcessingParameterRasterLayer("INPUT", tr("Raster")))
        self.add_inputs()
        for parameter in self._parameters():
            self.addParameter(parameter.definition())
        self._add_area()
        for parameter in self._how():
            self.addParameter(parameter.definition())
        self._add_outputs()

    def complaint(self, given: Fields, context: QgsProcessingContext) -> str:
        """See `EngineAlgorithm`."""
        layer = self.parameterAsRasterLayer(given, "INPUT", context)
        if layer is not None and not layer.crs().isValid() and self._needs_crs(given):
            return tr("{0} has no CRS, so other layers can't be placed on it: assign one to the layer.").format(
                layer.name()
            )
        if layer is not None and layer.width() <= 0 and not self._says_resolution(given):
            return tr("{0} has no pixels of its own: give an extent and a resolution.").format(layer.name())
        values = {
            parameter.name: parameter.value(self, given, context)
            for parameter in self._parameters()
            if hasattr(parameter, "name")
        }
        return parameter_groups.complaint(values)

    def prepareAlgorithm(self, given: Fields, context: QgsProcessingContext, feedback: QgsProcessingFeedback) -> bool:
        """Take what belongs to the main thread."""
        super().prepareAlgorithm(given, context, feedback)
        layer = self.parameterAsRasterLayer(given, "INPUT", context)
        if layer is None:
            raise QgsProcessingException(self.invalidRasterError(given, "INPUT"))
        self._raster = RasterSource.of(layer)
        return True

    def processAlgorithm(
        self, given: Fields, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Ask for the run, and copy what it found."""
        hello = self.greet(feedback)
        if hello is None:
            return {}
        request = self._request(self.raster, given, context, feedback)
        result = self.ask("run", request, feedback)
        if result is None:
            feedback.pushInfo(tr("Finished tiles are kept: the same algorithm with the same values goes on."))
            return {"JOURNAL": request["journal"], "STATE": "cancelled"}
        self._report(result, feedback)
        outputs = self._copied(str(result.get("output") or request["output"]), given, context, feedback, hello, request)
        objects, tiles = result.get("objects") or {}, result.get("tiles") or {}
        return {
            **outputs,
            "JOURNAL": str(result.get("journal") or request["journal"]),
            "STATE": result.get("state", ""),
            "N_OBJECTS": objects.get("n_objects", 0),
            "N_FAILED": len(tiles.get("failed", ())),
            **self.own_results(result),
        }

    def postProcessAlgorithm(self, context: QgsProcessingContext, feedback: QgsProcessingFeedback) -> dict[str, Any]:
        """Dress the results."""
        for destination, dressed_in in self._dresses:
            dress(destination, dressed_in, context)
        return {}

    def _parameters(self) -> list[Parameter]:
        return [*self.own_parameters(), *parameter_groups.reading("INPUT"), *parameter_groups.results()]

    def _how(self) -> list[Any]:
        style = Choice("STYLE", "style", tr("Colour the objects by"), "", self.styles())
        restart = Switch(
            "RESTART",
            "start",
            tr("Begin anew, though the same run was begun before"),
            tr("Else a run of the same values goes on where it was stopped, and the same run again is done at once."),
            False,
        )
        return [backend_choice(), restart, style]

    def _add_area(self) -> None:
        extent = QgsProcessingParameterExtent("EXTENT", tr("Extent"), None, True)
        self.addParameter(finished(extent, tr("Only tiles that meet it are looked at. None: all."), False))
        area = QgsProcessingParameterFeatureSource(
            "AREA", tr("Area of interest"), [QgsProcessing.SourceType.TypeVectorPolygon], None, True
        )
        self.addParameter(finished(area, tr("Polygons; only tiles that meet them are looked at."), True))
        resolution = QgsProcessingParameterNumber(
            "RESOLUTION",
            tr("Pixel size of layers without pixels of their own (units of the raster's CRS)"),
            QgsProcessingParameterNumber.Type.Double,
            None,
            True,
            0.0,
        )
        self.addParameter(finished(resolution, tr("For XYZ tiles, WMS and the like, which also need an extent."), True))

    def _add_outputs(self) -> None:
        polygons, lines = QgsProcessing.SourceType.TypeVectorPolygon, QgsProcessing.SourceType.TypeVectorLine
        self.addParameter(QgsProcessingParameterFeatureSink("OUTPUT", tr("Objects"), polygons))
        tiles = QgsProcessingParameterFeatureSink("OUTPUT_TILES", tr("Tiles"), polygons, None, True, False)
        self.addParameter(finished(tiles, tr("What became of each tile: state, seconds, objects."), True))
        cuts = QgsProcessingParameterFeatureSink("OUTPUT_CUTS", tr("Unresolved cuts"), lines, None, True, False)
        self.addParameter(finished(cuts, tr("Where objects end at a tile's edge that no tile saw whole."), True))
        journal = QgsProcessingParameterFileDestination(
            "JOURNAL", tr("Journal of the run"), tr("Journals (*.journal)"), None, True, False
        )
        where = tr("What goes on with the run and filters it anew. Not given: beside the objects, or in the profile.")
        self.addParameter(finished(journal, where, True))
        self.addOutput(QgsProcessingOutputNumber("N_OBJECTS", tr("Number of objects")))
        self.addOutput(QgsProcessingOutputNumber("N_FAILED", tr("Number of failed tiles")))
        self.addOutput(QgsProcessingOutputString("STATE", tr("State: complete or cancelled")))

    def _needs_crs(self, given: Fields) -> bool:
        return any(given.get(name) not in (None, "") for name in ("AREA", "EXTENT", "PROMPTS"))

    def _says_resolution(self, given: Fields) -> bool:
        return bool(given.get("RESOLUTION")) and given.get("EXTENT") not in (None, "")

    def _request(
        self, raster: RasterSource, given: Fields, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Fields:
        extent = self._extent(given, context, raster)
        bounds: QgsRectangle | None = None if extent is None else extent.boundingBox()
        resolution = self.parameterAsDouble(given, "RESOLUTION", context) if given.get("RESOLUTION") else None
        own = self.own_fields(given, context, feedback)
        key = [self.name(), raster.file or raster.uri, own.get("prompts")]
        return {
            **fields_of(self._parameters(), self, given, context),
            **own,
            "raster": raster.for_engine(self.engine, bounds, resolution, feedback),
            "area": self._area(given, context, raster, extent),
            "output": unused_file(".gpkg"),
            "journal": journal_path(
                self.parameterAsFileOutput(given, "JOURNAL", context), given.get("OUTPUT"), key, context
            ),
            "start": "restart" if self.parameterAsBoolean(given, "RESTART", context) else "auto",
        }

    def _extent(self, given: Fields, context: QgsProcessingContext, raster: RasterSource) -> QgsGeometry | None:
        if given.get("EXTENT") in (None, ""):
            return None
        return self.parameterAsExtentGeometry(given, "EXTENT", context, raster.crs)

    def _area(
        self, given: Fields, context: QgsProcessingContext, raster: RasterSource, extent: QgsGeometry | None
    ) -> str | None:
        source = self.parameterAsSource(given, "AREA", context) if given.get("AREA") not in (None, "") else None
        if source is None and (extent is None or not raster.file):
            return None  # what is written from a layer without a file is cut to the extent already
        return write_area(source, extent, raster.crs, context.transformContext())

    def _report(self, result: Fields, feedback: QgsProcessingFeedback) -> None:
        for line in summary_lines(result):
            feedback.pushInfo(line)
        failed = (result.get("tiles") or {}).get("failed", ())
        for one in failed[:_N_FAILURES_SHOWN]:
            feedback.reportError(tr("Tile {0}: {1}").format(one.get("tile"), one.get("message")))
        if failed:
            feedback.reportError(tr("The same algorithm with the same values tries the failed tiles again."))
        if result.get("state") == "cancelled":
            feedback.pushInfo(tr("Stopped: finished tiles are kept, the same algorithm with the same values goes on."))

    def _copied(
        self,
        file: str,
        given: Fields,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
        hello: Fields,
        request: Fields,
    ) -> dict[str, Any]:
        if not os.path.exists(file):
            return {}
        crs = self.raster.crs if self.raster.crs.isValid() else None
        outputs: dict[str, Any] = {}
        history = (history_line(f"{self.id()}: {model_line(hello)}; {self.asPythonCommand(given, context)}"),)
        layers = (
            ("OUTPUT", OBJECTS, tr("Objects")),
            ("OUTPUT_TILES", TILES, tr("Tiles")),
            ("OUTPUT_CUTS", CUTS, tr("Cuts")),
        )
        style = str(self.styles()[self.parameterAsEnum(given, "STYLE", context)][0])
        for output, layer, title in layers:
            copied = copy_layer(file, layer, self, given, output, crs, context, feedback)
            if copied.destination:
                outputs[output] = copied.destination
                title = f"{title}: {self.raster.name}"
                self._dresses.append((copied.destination, Dress(style, title, history, copied.abstract)))
        os.remove(file)
        return outputs
