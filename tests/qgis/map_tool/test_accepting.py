"""Where accepted objects go, and what is known of them there."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from map_window import Window, wait_for
from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from scene import px_to_map
from segment_anything.map_tool.part import MapToolPart

pytest_plugins = ["map_tool_fixtures"]


def accept_one(window: Window, layer: QgsRasterLayer, tool: MapToolPart, x_px: float = 330) -> None:
    window.click(window.at(layer, x_px, 230))
    wait_for(lambda: tool.session.outline)
    window.press(Qt.Key.Key_Return)


def vector(uri: str, name: str = "mine") -> QgsVectorLayer:
    layer = QgsVectorLayer(uri, name, "memory")
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    return layer


def test_the_first_object_makes_a_layer_and_the_second_goes_there(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart
) -> None:
    accept_one(window, layer, tool)
    accept_one(window, layer, tool, x_px=200)
    (made,) = QgsProject.instance().mapLayersByName("Segments")
    assert made.crs() == layer.crs()
    assert made.featureCount() == 2
    first = next(made.getFeatures())
    assert first.geometry().area() == pytest.approx(144)
    assert first["score"] == 0.9
    assert first["area_m2"] == pytest.approx(144, rel=2e-3)
    assert (first["raster"], first["model"]) == ("scene", "scripted-1")
    assert not tool.session.prompts
    assert "Accepted into 'Segments'" in tool.dock.state_text


def test_an_object_goes_into_the_layer_of_choice_in_its_crs(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart
) -> None:
    mine = vector("Polygon?crs=EPSG:4326&field=score:double&field=note:string")
    tool.dock.choose_target(mine)
    accept_one(window, layer, tool)
    (feature,) = mine.getFeatures()
    back = window.canvas.mapSettings().layerToMapCoordinates(mine, feature.geometry().centroid().asPoint())
    assert (back.x(), back.y()) == pytest.approx(px_to_map(330, 230), abs=1)
    assert feature["score"] == 0.9
    assert not feature["note"]
    assert not QgsProject.instance().mapLayersByName("Segments")
    assert not mine.isEditable()


def test_in_an_edit_session_it_can_be_undone(window: Window, layer: QgsRasterLayer, tool: MapToolPart) -> None:
    mine = vector("MultiPolygon?crs=EPSG:25832")
    mine.startEditing()
    tool.dock.choose_target(mine)
    accept_one(window, layer, tool)
    assert mine.isEditable()
    assert mine.featureCount() == 1
    assert mine.undoStack().undoText() == "Accept an object"
    mine.undoStack().undo()
    assert mine.featureCount() == 0
    mine.rollBack()


def test_the_layer_can_be_a_geopackage(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, tmp_path: Path
) -> None:
    path = tmp_path / "objects.gpkg"
    tool.dock.file_chosen.emit(str(path))
    accept_one(window, layer, tool)
    stored = QgsVectorLayer(str(path), "stored", "ogr")
    assert stored.featureCount() == 1
    assert stored.crs() == layer.crs()
    assert next(stored.getFeatures())["model"] == "scripted-1"


def test_a_geopackage_that_cannot_be_made_is_told(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, tmp_path: Path
) -> None:
    tool.dock.file_chosen.emit(str(tmp_path / "no folder" / "objects.gpkg"))
    assert any("can't be written" in text for text in window.messages())


def test_without_a_raster_no_geopackage_is_made(window: Window, part: MapToolPart, tmp_path: Path) -> None:
    part.dock.file_chosen.emit(str(tmp_path / "objects.gpkg"))
    assert any("add a raster first" in text for text in window.messages())
    assert not list(tmp_path.iterdir())


def test_a_layer_that_cannot_be_edited_is_told_and_the_object_stays(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart
) -> None:
    mine = vector("Polygon?crs=EPSG:25832")
    mine.setReadOnly(True)
    tool.dock.choose_target(mine)
    accept_one(window, layer, tool)
    assert any("The layer 'mine' can't be edited" in text for text in window.messages())
    assert tool.session.outline is not None


def test_a_layer_that_does_not_store_the_object_is_told_and_left_as_it_was(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, tmp_path: Path
) -> None:
    tool.dock.file_chosen.emit(str(tmp_path / "objects.gpkg"))
    accept_one(window, layer, tool)
    mine = tool.dock.target
    with sqlite3.connect(tmp_path / "objects.gpkg") as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON segments BEGIN SELECT RAISE(ABORT, 'the layer is full'); END"
        )
    accept_one(window, layer, tool)
    assert any("The layer 'Segments' took no object" in text for text in window.messages())
    assert not mine.isEditable()
    assert mine.featureCount() == 1
    assert tool.session.outline is not None


@pytest.mark.parametrize("uri", ["PolygonZ", "MultiPolygonZM", "Polygon", "MultiPolygon"])
def test_every_polygon_type_takes_objects(uri: str, window: Window, layer: QgsRasterLayer, tool: MapToolPart) -> None:
    mine = vector(f"{uri}?crs=EPSG:25832")
    tool.dock.choose_target(mine)
    accept_one(window, layer, tool)
    (feature,) = mine.getFeatures()
    assert feature.geometry().wkbType() == mine.wkbType()
    assert feature.geometry().area() == pytest.approx(144)


def test_the_mask_of_choice_is_accepted(window: Window, layer: QgsRasterLayer, tool: MapToolPart) -> None:
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: tool.session.outline)
    window.press(Qt.Key.Key_M)
    window.press(Qt.Key.Key_M)
    window.press(Qt.Key.Key_Enter)
    (made,) = QgsProject.instance().mapLayersByName("Segments")
    feature = next(made.getFeatures())
    assert feature.geometry().area() == pytest.approx(16)
    assert feature["score"] == 0.5


def test_nothing_is_accepted_before_there_is_an_outline(window: Window, tool: MapToolPart) -> None:
    window.press(Qt.Key.Key_Return)
    assert "no outline to accept" in tool.dock.state_text
    assert not QgsProject.instance().mapLayersByName("Segments")
