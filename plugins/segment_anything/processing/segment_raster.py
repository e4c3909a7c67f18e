"""All objects of a raster."""

from __future__ import annotations

from collections.abc import Sequence

from ..text import tr
from . import parameter_groups
from .parameters import Parameter
from .run_algorithm import RunAlgorithm


class SegmentRaster(RunAlgorithm):
    """``segmentanything:segmentraster``."""

    def name(self) -> str:
        """See `EngineAlgorithm`."""
        return "segmentraster"

    def displayName(self) -> str:
        """See `EngineAlgorithm`."""
        return tr("Segment raster (automatic)")

    def shortHelpString(self) -> str:
        """See `EngineAlgorithm`."""
        return tr(
            "Finds all objects of a raster of any size and draws their outlines.\n\n"
            "The raster is looked at in overlapping tiles; objects that lie in several tiles are put together, so "
            "that no seams remain. Each object gets the score that the model gives itself (the IoU that it predicts), "
            "its stability, and its area and perimeter measured on the ellipsoid.\n\n"
            "A run can be stopped at any time. It goes on where it was when the algorithm is run again with the same "
            "values, also after a crash. To filter or draw its objects otherwise, use 'Re-filter a finished run': that "
            "takes seconds.\n\n"
            "Small objects are missed? Take more points along the side of a tile, or a larger magnification. Too "
            "little is found? Lower the least score and stability. Memory runs out? Compute fewer points together."
        )

    def own_parameters(self) -> Sequence[Parameter]:
        """See `RunAlgorithm`."""
        return parameter_groups.automatic()
