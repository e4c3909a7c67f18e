"""How the engine is asked: off the main thread, the latest first, and what becomes of late or failed answers."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from map_window import Window, wait_for
from qgis.core import QgsCoordinateReferenceSystem, QgsPointXY, QgsRasterLayer, QgsRectangle
from qgis.gui import QgsVertexMarker
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest
from scene import px_to_map
from scripted_engine import ScriptedEngine
from segment_anything.engine.engine import EngineError, ErrorKind
from segment_anything.map_tool.part import MapToolPart

pytest_plugins = ["map_tool_fixtures"]

Build = Callable[[Callable[[], ScriptedEngine]], MapToolPart]


def test_the_engine_is_never_called_in_the_main_thread(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: tool.session.outline)
    assert threading.get_ident() not in engine.threads
    assert len(engine.threads) == 1


def test_choosing_the_tool_starts_the_engine_and_looks_at_the_view(tool: MapToolPart, engine: ScriptedEngine) -> None:
    assert [op for op, _ in engine.calls] == ["hello", "prefetch"]


def test_only_the_latest_of_waiting_prompts_is_asked(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    engine.open.clear()
    for x_px in (300, 310, 320, 330):
        window.click(window.at(layer, x_px, 230))
    wait_for(lambda: engine.of("object"))
    engine.open.set()
    wait_for(lambda: tool.session.outline)
    assert [len(asked["points_xy"]) for asked in engine.of("object")] in ([1, 4], [4])


def test_a_stale_answer_is_dropped(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    engine.open.clear()
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: engine.of("object"))
    window.press(Qt.Key.Key_Escape)
    engine.open.set()
    window.click(window.at(layer, 200, 150))
    wait_for(lambda: tool.session.outline)
    centre = tool.session.outline.centroid().asPoint()
    assert (centre.x(), centre.y()) == pytest.approx(px_to_map(200, 150), abs=1)


def test_after_esc_an_answer_on_its_way_shows_nothing(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    engine.open.clear()
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: engine.of("object"))
    window.press(Qt.Key.Key_Escape)
    engine.open.set()
    window.canvas.setExtent(QgsRectangle(*px_to_map(0, 100), *px_to_map(100, 0)))
    wait_for(lambda: len(engine.of("prefetch")) == 2)
    assert tool.session.answer is None
    assert not tool.session.preview.is_showing_mask


def test_a_click_elsewhere_overtakes_a_view_that_is_being_read(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    engine.open.clear()
    tool.session.prefetch()
    wait_for(lambda: len(engine.of("prefetch")) == 2)
    window.look_at(layer, extent=QgsRectangle(*px_to_map(300, 260), *px_to_map(360, 200)))
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: engine.n_cancelled == 1)
    engine.open.set()
    wait_for(lambda: tool.session.outline)


def test_a_second_click_refines_the_first_answer(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: tool.session.outline)
    window.click(window.at(layer, 340, 230))
    wait_for(lambda: len(engine.of("object")) == 2)
    first, second = engine.of("object")
    assert (first["refine"], second["refine"]) == (False, True)
    assert first["object"] == second["object"]


@pytest.mark.parametrize("reason", ["another mask was chosen", "a prompt was taken back", "another object"])
def test_nothing_is_refined_that_the_user_has_left(
    reason: str, window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: tool.session.outline)
    n_asked = 2
    if reason == "another mask was chosen":
        window.press(Qt.Key.Key_M)
    elif reason == "another object":
        window.press(Qt.Key.Key_Escape)
    else:
        window.click(window.at(layer, 350, 230))
        wait_for(lambda: len(engine.of("object")) == 2)
        wait_for(lambda: tool.session.answer.job.prompts == tool.session.prompts)
        window.press(Qt.Key.Key_Backspace)
        n_asked = 3
    if reason != "a prompt was taken back":
        window.click(window.at(layer, 340, 230))
    wait_for(lambda: len(engine.of("object")) == n_asked)
    assert engine.of("object")[-1]["refine"] is False


def test_small_pans_stay_in_the_view(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    def look_right_of(x_px: float) -> None:
        window.canvas.setExtent(QgsRectangle(*px_to_map(x_px, 260), *px_to_map(x_px + 100, 200)))

    look_right_of(250)
    wait_for(lambda: len(engine.of("prefetch")) == 2)
    look_right_of(262)
    wait_for(lambda: len(engine.of("prefetch")) == 3)
    views = [asked["view_px"] for asked in engine.of("prefetch")]
    assert views[1] == views[2] != views[0]


def test_a_failed_click_is_taken_back_where_the_click_was_the_reason(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    engine.error = EngineError(ErrorKind.RASTER, "scene.tif has no data in this window: choose a place with data")
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: any("Scene.tif has no data" in text for text in window.messages()))
    assert not tool.session.prompts
    assert tool.session.preview.n_markers == 0


def test_the_next_click_repeats_what_the_engine_could_not_answer(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    engine.error = EngineError(ErrorKind.ENDED, "the worker ended with -9: try again")
    window.click(window.at(layer, 330, 230))
    wait_for(window.messages)
    engine.error = None
    window.click(window.at(layer, 340, 230))
    wait_for(lambda: tool.session.outline)
    assert len(engine.of("object")[-1]["points_xy"]) == 2
    assert window.messages() == []


def test_settings_that_name_no_engine_are_told_with_the_cure(
    window: Window, layer: QgsRasterLayer, build: Build
) -> None:
    def find() -> ScriptedEngine:
        raise EngineError(ErrorKind.NOT_SET_UP, "no Python is known: name one under Settings > Options")

    part = build(find)
    part.action.trigger()
    window.click(window.at(layer, 330, 230))
    assert window.messages() == ["No Python is known: name one under Settings > Options"]


def test_an_engine_that_does_not_start_is_told_and_tried_again(
    window: Window, layer: QgsRasterLayer, part: MapToolPart, engine: ScriptedEngine
) -> None:
    hello = engine.call

    def broken(*arguments: object) -> dict[str, object]:
        raise EngineError(ErrorKind.NOT_SET_UP, "the Python can't be started: name another one")

    engine.call = broken
    part.action.trigger()
    wait_for(lambda: window.messages() == ["The Python can't be started: name another one"])
    engine.call = hello
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: part.session.outline)


def test_another_engine_is_taken_when_the_settings_name_one(
    window: Window, layer: QgsRasterLayer, engine: ScriptedEngine, build: Build
) -> None:
    engines = [engine]
    part = build(lambda: engines[-1])
    part.action.trigger()
    wait_for(lambda: engine.of("prefetch"))
    engines.append(ScriptedEngine(sees_files=False))
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: engines[1].of("object"))
    assert "picture" in engines[1].of("object")[0]
    assert not engine.of("object")


def test_what_takes_a_while_is_said(
    window: Window, layer: QgsRasterLayer, part: MapToolPart, engine: ScriptedEngine
) -> None:
    engine.open.clear()
    part.action.trigger()
    wait_for(lambda: window.messages() == ["Starting the engine, once in a session…"])
    assert part.dock.state_text == "Starting the engine, once in a session…"
    engine.open.set()
    wait_for(lambda: window.messages() == [])
    wait_for(lambda: part.dock.state_text.startswith("Click an object"))


def test_an_empty_answer_says_what_to_do(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    engine.polygons_are_empty = True
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: "sees no object there" in tool.dock.state_text)
    window.press(Qt.Key.Key_Return)
    assert "no outline to accept" in tool.dock.state_text


def test_the_time_of_each_step_is_shown(window: Window, layer: QgsRasterLayer, tool: MapToolPart) -> None:
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: tool.session.steps)
    assert "read 40 ms · embed 250 ms · decode 10 ms · outline 3 ms" in tool.dock.times_text


def test_leaving_the_tool_forgets_the_object_and_keeps_the_engine(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: tool.session.outline)
    window.canvas.unsetMapTool(tool.tool)
    assert not tool.session.prompts
    tool.action.trigger()
    wait_for(lambda: len(engine.of("prefetch")) == 2)
    assert len(engine.of("hello")) == 1


def test_unloading_leaves_nothing_behind(window: Window, layer: QgsRasterLayer, engine: ScriptedEngine) -> None:
    part = MapToolPart(window, lambda: engine)
    n_items = len(window.canvas.scene().items())
    part.action.trigger()
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: part.session.outline)
    part.unload()
    assert window.actions == []
    assert len(window.canvas.scene().items()) <= n_items
    assert not [thread for thread in threading.enumerate() if thread.name == "segment-anything-map-tool"]


def test_a_click_at_the_corner_of_the_screen_is_in_its_view(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    window.look_at(layer, extent=QgsRectangle(*px_to_map(100, 300), *px_to_map(300, 100)))
    window.click(QPoint(1, 1))
    wait_for(lambda: engine.of("object"))
    asked = engine.of("object")[0]
    left, top, width, height = asked["view_px"]
    x, y = asked["points_xy"][0]
    low, high = px_to_map(left, top + height), px_to_map(left + width, top)
    assert low[0] <= x <= high[0]
    assert low[1] <= y <= high[1]


def test_warnings_of_the_engine_are_told(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    engine.warning = "the raster's mask is older than the raster"
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: window.messages() == ["The raster's mask is older than the raster"])


def test_the_same_failure_is_told_once_at_a_time(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    engine.error = EngineError(ErrorKind.RASTER, "no data here: choose a place with data")
    for x_px in (320, 330):
        window.click(window.at(layer, x_px, 230))
        wait_for(lambda: not tool.session.prompts)
    assert window.messages() == ["No data here: choose a place with data"]
    window.bar.clearWidgets()
    window.click(window.at(layer, 340, 230))
    wait_for(lambda: window.messages() == ["No data here: choose a place with data"])


def test_a_map_that_the_raster_does_not_reach_still_works(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    window.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    window.canvas.setExtent(QgsRectangle(-3e7, -3e7, 3e7, 3e7))
    tool.session.prefetch()
    wait_for(lambda: len(engine.of("prefetch")) >= 2)
    assert engine.of("prefetch")[-1]["view_px"][2:] == [640, 480]


def test_a_place_without_coordinates_is_told(window: Window, layer: QgsRasterLayer, tool: MapToolPart) -> None:
    window.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    tool.session.add_click(QgsPointXY(1e9, 1e9), True)
    assert window.messages() == ["That place has no coordinates in EPSG:25832: click nearer to the raster"]
    assert not tool.session.prompts


def test_looking_elsewhere_prefetches_nothing(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart, engine: ScriptedEngine
) -> None:
    window.canvas.setExtent(QgsRectangle(0, 0, 100, 100))
    tool.session.prefetch()
    assert len(engine.of("prefetch")) == 1
    assert window.messages() == []


def test_while_another_tool_is_chosen_nothing_is_started(
    window: Window, layer: QgsRasterLayer, part: MapToolPart, engine: ScriptedEngine
) -> None:
    part.dock.choose_raster(layer)
    layer.triggerRepaint()
    QTest.qWait(400)
    assert engine.calls == []


def test_a_map_in_another_crs_shows_the_object_where_it_is(
    window: Window, layer: QgsRasterLayer, tool: MapToolPart
) -> None:
    window.click(window.at(layer, 330, 230))
    wait_for(lambda: tool.session.outline)
    window.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    (marker,) = [item for item in window.canvas.scene().items() if isinstance(item, QgsVertexMarker)]
    back = window.canvas.mapSettings().mapToLayerCoordinates(layer, marker.center())
    assert (back.x(), back.y()) == pytest.approx(px_to_map(330, 230), abs=1)
