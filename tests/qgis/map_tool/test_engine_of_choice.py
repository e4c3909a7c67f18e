"""Which engine the map tool speaks to, and that looking for it keeps nobody waiting."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from map_window import Window, wait_for
from qgis.core import QgsApplication, QgsRasterLayer, QgsSettings
from scripted_engine import ScriptedEngine
from segment_anything.engine.choose import close_engines
from segment_anything.engine.engine import EngineError
from segment_anything.engine.local_worker import LocalWorker
from segment_anything.engine.server import Server
from segment_anything.map_tool import create
from segment_anything.map_tool.auto_engine import EngineFinder, FirstToAnswer
from segment_anything.settings import GROUP, Backend, PluginSettings, write_settings

pytest_plugins = ["map_tool_fixtures"]

UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _clean_settings(qgis_app: QgsApplication) -> Iterator[None]:
    QgsSettings().remove(GROUP)
    yield
    QgsSettings().remove(GROUP)
    close_engines()


def test_the_settings_name_the_engine() -> None:
    find = EngineFinder()
    write_settings(PluginSettings(backend=Backend.LOCAL, python="/opt/python"))
    assert isinstance(find(), LocalWorker)
    write_settings(PluginSettings(backend=Backend.SERVER, server_url=UNREACHABLE))
    assert isinstance(find(), Server)
    write_settings(PluginSettings(backend=Backend.LOCAL))
    with pytest.raises(EngineError, match="Settings > Options"):
        find()


def test_looking_for_a_server_takes_no_time_and_stays_with_its_answer() -> None:
    write_settings(PluginSettings(server_url=UNREACHABLE, python="/opt/python"))
    find = EngineFinder()
    began = time.monotonic()
    engine = find()
    assert time.monotonic() - began < 0.5
    assert find() is engine
    write_settings(PluginSettings(server_url=UNREACHABLE, python="/opt/other"))
    assert find() is not engine


def test_where_no_server_answers_this_machine_computes() -> None:
    local = ScriptedEngine()
    engine = FirstToAnswer(Server(UNREACHABLE), local)
    assert not engine.sees("/data/scene.tif"), "until it is decided, only what both see"
    assert engine.call("hello", {})["model"] == "scripted"
    assert engine.sees("/data/scene.tif")
    engine.close()


def test_a_server_that_answers_computes() -> None:
    server, local = ScriptedEngine(), ScriptedEngine()
    FirstToAnswer(server, local).call("hello", {})
    assert server.of("hello")
    assert not local.calls


def test_the_plugin_makes_a_map_tool_that_asks_the_engine_of_the_settings(
    window: Window, layer: QgsRasterLayer
) -> None:
    part = create(window)
    part.action.trigger()
    wait_for(window.messages)
    assert window.messages()[0].startswith("No Python with the backend is known")
    part.unload()
