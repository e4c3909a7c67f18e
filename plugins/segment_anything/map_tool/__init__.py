"""Click an object of a raster on the map, see its outline, accept it into a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .part import MapToolPart


def create(iface: Any) -> MapToolPart:  # noqa: ANN401 - QGIS's iface has no type outside QGIS
    """Build the map tool, its action and its panel.

    Args:
        iface: QGIS's QgisInterface.
    """
    from .auto_engine import EngineFinder  # prompts, squares and mailbox are used and tested without QGIS
    from .part import MapToolPart

    return MapToolPart(iface, EngineFinder())
