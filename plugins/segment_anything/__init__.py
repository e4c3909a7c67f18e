"""Segment Anything for QGIS: outlines of the objects of any raster, by a backend outside QGIS's process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .plugin import SegmentAnythingPlugin


def classFactory(iface: Any) -> SegmentAnythingPlugin:  # noqa: ANN401 - QGIS looks for this name; iface has no type outside QGIS
    """Build the plugin.

    Args:
        iface: QGIS's QgisInterface; None in qgis_process.
    """
    from .plugin import SegmentAnythingPlugin

    return SegmentAnythingPlugin(iface)
