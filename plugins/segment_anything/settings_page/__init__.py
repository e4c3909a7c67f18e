"""Settings > Options > Segment Anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .factory import SettingsPart


def create(iface: Any) -> SettingsPart:  # noqa: ANN401 - QGIS's iface has no type outside QGIS
    """Add the page to QGIS's options.

    Args:
        iface: QGIS's QgisInterface.
    """
    from .factory import SettingsPart

    return SettingsPart(iface)
