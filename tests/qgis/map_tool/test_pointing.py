"""What mouse and keys do, in maps of several CRSs."""

from __future__ import annotations

import pytest
from map_window import Window, wait_for
from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QPoint, Qt
from scene import PIXEL_M, px_to_map
from scripted_engine import SIDES, ScriptedEngine
from segment_anything.map_tool.part import MapToolPart

pytest_plugins = ["map_tool_fixtures"]

CRSS = ["EPSG:25832", "EPSG:4326", "EPSG:3857"]


@pytest.fixture(params=CRSS)
def seen(request: pytest.FixtureRequest, window: Window, layer: QgsRasterLayer, tool: MapToolPart) -> Window:
    """The window with a map in each CRS."""
    window.look_at(layer, request.param)
    return window


def last_object(engine: ScriptedEngine) -> dict[str, object]:
    wait_for(lambda: engine.of("object"))
    return engine.of("object")[-1]


def test_a_click_asks_about_the_place_on_the_raster(
    seen: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    seen.click(seen.at(layer, 330, 230))
    asked = last_object(engine)
    assert asked["points_xy"][0] == pytest.approx(px_to_map(330, 230), abs=2 * PIXEL_M)
    assert asked["is_foreground"] == [True]
    assert asked["box_xyxy"] is None
    assert asked["raster"] == layer.source()
    assert asked["bands"] == [1, 2, 3]


def test_a_right_click_says_what_is_not_of_the_object(
    seen: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    seen.click(seen.at(layer, 330, 230))
    seen.click(seen.at(layer, 200, 150), Qt.MouseButton.RightButton)
    wait_for(lambda: len(last_object(engine)["points_xy"]) == 2)
    asked = last_object(engine)
    assert asked["is_foreground"] == [True, False]
    assert asked["points_xy"][1] == pytest.approx(px_to_map(200, 150), abs=2 * PIXEL_M)


def test_a_drag_is_a_box_that_holds_all_four_corners(
    seen: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    one, other = seen.at(layer, 200, 150), seen.at(layer, 450, 320)
    seen.drag(one, other)
    box = last_object(engine)["box_xyxy"]
    corners = [one, other, QPoint(one.x(), other.y()), QPoint(other.x(), one.y())]
    transform = seen.canvas.getCoordinateTransform()
    on_raster = [
        seen.canvas.mapSettings().mapToLayerCoordinates(layer, transform.toMapCoordinates(corner)) for corner in corners
    ]
    xs, ys = [point.x() for point in on_raster], [point.y() for point in on_raster]
    assert box == pytest.approx([min(xs), min(ys), max(xs), max(ys)], abs=1e-6)


def test_a_hand_that_trembles_still_clicks(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    at = window.at(layer, 330, 230)
    window.drag(at, at + QPoint(3, 2))
    assert last_object(engine)["box_xyxy"] is None


def test_a_box_on_a_turned_map_holds_what_was_drawn(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    window.canvas.setRotation(30)
    one, other = window.at(layer, 250, 200), window.at(layer, 400, 210)
    window.drag(one, other + QPoint(0, 40))
    left, low, right, high = last_object(engine)["box_xyxy"]
    transform = window.canvas.getCoordinateTransform()
    corner = transform.toMapCoordinates(QPoint(one.x(), other.y() + 40))
    assert left - 1e-6 <= corner.x() <= right + 1e-6
    assert low - 1e-6 <= corner.y() <= high + 1e-6


def test_the_best_mask_is_shown_at_once(seen: Window, layer: QgsRasterLayer, tool: MapToolPart) -> None:
    seen.click(seen.at(layer, 330, 230))
    wait_for(lambda: tool.session.preview.is_showing_mask)
    assert tool.session.outline.area() == pytest.approx(SIDES[1] ** 2)
    assert tool.session.preview.n_markers == 1
    assert "mask 1 of 3 (whole), score 0.90, 14" in tool.dock.state_text.lower()


def test_m_goes_through_the_masks_from_whole_to_part_and_around(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart
) -> None:
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: tool.session.outline)
    areas = []
    for _ in range(4):
        areas.append(round(tool.session.outline.area() ** 0.5))
        window.press(Qt.Key.Key_M)
    assert areas == [12, 8, 4, 12]
    assert "(part)" in tool.dock.state_text


@pytest.mark.parametrize(
    ("key", "modifier"),
    [(Qt.Key.Key_Backspace, Qt.KeyboardModifier.NoModifier), (Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)],
    ids=["backspace", "ctrl-z"],
)
def test_the_last_prompt_can_be_taken_back(
    key: Qt.Key,
    modifier: Qt.KeyboardModifier,
    window: Window,
    layer: QgsRasterLayer,
    tool: MapToolPart,
    engine: ScriptedEngine,
) -> None:
    window.click(window.at(layer, 330, 230))
    window.drag(window.at(layer, 200, 150), window.at(layer, 450, 320))
    wait_for(lambda: last_object(engine)["box_xyxy"])
    window.press(key, modifier)
    wait_for(lambda: last_object(engine)["box_xyxy"] is None)
    assert len(last_object(engine)["points_xy"]) == 1
    window.press(key, modifier)
    assert not tool.session.prompts
    assert not tool.session.preview.is_showing_mask


def test_esc_forgets_the_object(window: Window, layer: QgsRasterLayer, tool: MapToolPart) -> None:
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: tool.session.outline)
    window.press(Qt.Key.Key_Escape)
    assert not tool.session.prompts
    assert not tool.session.preview.is_showing_mask
    assert tool.session.preview.n_markers == 0


def test_esc_while_dragging_forgets_only_the_box(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    window.click(window.at(layer, 330, 230))
    window.drag(QPoint(100, 100), QPoint(200, 200), release=False)
    assert tool.session.preview.is_showing_drag
    window.press(Qt.Key.Key_Escape)
    assert not tool.session.preview.is_showing_drag
    window.release(QPoint(200, 200))
    assert len(tool.session.prompts.prompts) == 1


def test_a_place_beside_the_raster_is_refused_in_a_sentence(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    window.canvas.zoomByFactor(3)
    window.click(QPoint(20, 20))
    assert any("lies beside the raster 'scene'" in text for text in window.messages())
    assert not tool.session.prompts


def test_keys_of_others_go_on_to_qgis(window: Window, tool: MapToolPart) -> None:
    window.press(Qt.Key.Key_A)
    window.press(Qt.Key.Key_Z)
    assert not tool.session.prompts


def test_without_a_raster_the_tool_says_so(window: Window, part: MapToolPart) -> None:
    part.action.trigger()
    assert part.dock.state_text == "Add a raster to point at."
    window.click(QPoint(50, 50))
    assert any("there is no raster to point at" in text.lower() for text in window.messages())


def test_removing_the_raster_forgets_the_object(window: Window, layer: QgsRasterLayer, tool: MapToolPart) -> None:
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: tool.session.outline)
    QgsProject.instance().removeMapLayer(layer.id())
    assert tool.session.raster is None
    assert not tool.session.prompts
