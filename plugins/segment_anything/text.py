"""Texts in the user's language."""

from __future__ import annotations

from qgis.PyQt.QtCore import QCoreApplication


def tr(text: str) -> str:
    """Translate a text.

    Args:
        text: in English; write it out at the call, so that Qt's tools find it.
    """
    return QCoreApplication.translate("SegmentAnything", text)
