"""A window of QGIS with the map tool in it: real widgets, and an engine that the test chooses.

No conftest.py: others import from that of the folder above by this name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from map_window import Window, wait_for
from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtWidgets import QApplication
from scene import scene_pixels, write_raster
from scripted_engine import ScriptedEngine
from segment_anything.engine.engine import Engine
from segment_anything.map_tool.part import MapToolPart


@pytest.fixture
def window(qgis_new_project: None) -> Iterator[Window]:
    window = Window()
    yield window
    window.close()
    QgsProject.instance().clear()


@pytest.fixture(scope="session")
def scene_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_raster(tmp_path_factory.mktemp("scene") / "scene.tif", scene_pixels())


@pytest.fixture
def layer(window: Window, scene_path: str) -> QgsRasterLayer:
    layer = QgsRasterLayer(scene_path, "scene")
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    window.look_at(layer)
    window.active = layer
    return layer


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    engine = ScriptedEngine()
    yield engine
    engine.open.set()


@pytest.fixture
def build(window: Window) -> Iterator[Callable[[Callable[[], Engine]], MapToolPart]]:
    """Builds map tools that find their engine in a way of the test's; they are unloaded at its end."""
    parts: list[MapToolPart] = []

    def build(find_engine: Callable[[], Engine]) -> MapToolPart:
        parts.append(MapToolPart(window, find_engine))
        return parts[-1]

    yield build
    for part in parts:
        part.unload()
    QApplication.processEvents()


@pytest.fixture
def part(build: Callable[[Callable[[], Engine]], MapToolPart], engine: ScriptedEngine) -> MapToolPart:
    """The map tool, not yet chosen."""
    return build(lambda: engine)


@pytest.fixture
def tool(window: Window, layer: QgsRasterLayer, part: MapToolPart, engine: ScriptedEngine) -> MapToolPart:
    """The map tool, chosen and ready."""
    part.action.trigger()
    wait_for(lambda: engine.of("prefetch"))
    wait_for(lambda: part.dock.state_text.startswith("Click an object"))
    return part
