"""From the protocol's polygons to QGIS's, and what is known of an outline."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsCoordinateReferenceSystem, QgsDistanceArea, QgsGeometry, QgsPointXY, QgsProject, QgsUnitTypes


def multi_polygon(polygons: list[Any]) -> QgsGeometry:
    """The geometry of the coordinates of a GeoJSON MultiPolygon."""
    return QgsGeometry.fromMultiPolygonXY(
        [[[QgsPointXY(x, y) for x, y in ring] for ring in polygon] for polygon in polygons]
    )


def area_m2(geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem) -> float:
    """Square metres on the project's ellipsoid; in square map units where the CRS is unknown."""
    measure = QgsDistanceArea()
    project = QgsProject.instance()
    measure.setSourceCrs(crs, project.transformContext())
    measure.setEllipsoid(project.ellipsoid() if project.ellipsoid() != "NONE" else crs.ellipsoidAcronym())
    area = measure.measureArea(geometry)
    if not crs.isValid():
        return float(area)
    return float(measure.convertAreaMeasurement(area, QgsUnitTypes.AreaUnit.AreaSquareMeters))
