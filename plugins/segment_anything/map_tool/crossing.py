"""From the map's CRS to the raster's and back."""

from __future__ import annotations

from collections.abc import Iterable

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
)

from ..text import tr
from .prompts import XY


class CrossingError(Exception):
    """A place of one CRS that the other doesn't know."""


class Crossing:
    """Carries coordinates between two CRSs, as the project wants it done."""

    def __init__(self, source: QgsCoordinateReferenceSystem, target: QgsCoordinateReferenceSystem) -> None:
        self._transform = QgsCoordinateTransform(source, target, QgsProject.instance().transformContext())
        self._target = target.authid() or target.description() or tr("the raster's CRS")

    def points(self, points: Iterable[QgsPointXY]) -> tuple[XY, ...]:
        """Each point in the target CRS.

        Raises:
            CrossingError: the target CRS doesn't reach there.
        """
        try:
            crossed = [self._transform.transform(point) for point in points]
        except QgsCsException as error:
            raise CrossingError(
                tr("that place has no coordinates in {0}: click nearer to the raster").format(self._target)
            ) from error
        return tuple((point.x(), point.y()) for point in crossed)

    def geometry(self, geometry: QgsGeometry) -> QgsGeometry:
        """A copy in the target CRS.

        Raises:
            CrossingError: the target CRS doesn't reach there.
        """
        crossed = QgsGeometry(geometry)
        try:
            crossed.transform(self._transform)
        except QgsCsException as error:
            raise CrossingError(
                tr("the outline has no coordinates in {0}: choose another layer for it").format(self._target)
            ) from error
        return crossed
