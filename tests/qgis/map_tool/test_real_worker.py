"""The way that users take: a click on the map, the embedded model in a worker, a polygon in a layer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from map_window import Window, wait_for
from qgis.core import QgsGeometry, QgsPointXY, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import Qt
from scene import CENTRE_PX, true_ring_xy
from segment_anything.engine.engine import Engine
from segment_anything.engine.local_worker import LocalWorker
from segment_anything.map_tool.part import MapToolPart

pytest_plugins = ["map_tool_fixtures"]

ROOT = Path(__file__).parents[3]
PYTHON = Path(os.environ.get("BACKEND_PYTHON", ROOT / ".venv" / "bin" / "python"))


@pytest.fixture(scope="module")
def worker() -> Iterator[LocalWorker]:
    if not PYTHON.exists():
        pytest.skip(f"no Python with the backend at {PYTHON}")
    worker = LocalWorker(str(PYTHON), str(ROOT))
    yield worker
    worker.close()


class Rendered:
    """The worker, as a server would be that sees no files."""

    def __init__(self, worker: LocalWorker) -> None:
        self.call, self.close = worker.call, worker.close

    def sees(self, path: str) -> bool:
        return False


def true_outline() -> QgsGeometry:
    return QgsGeometry.fromPolygonXY([[QgsPointXY(x, y) for x, y in true_ring_xy()]])


def iou(one: QgsGeometry, other: QgsGeometry) -> float:
    return one.intersection(other).area() / one.combine(other).area()


@pytest.mark.parametrize("crs", ["EPSG:25832", "EPSG:4326", "EPSG:3857"])
@pytest.mark.parametrize("view", ["file", "picture"])
def test_a_clicked_object_becomes_a_polygon_like_it(
    view: str,
    crs: str,
    window: Window,
    layer: QgsRasterLayer,
    worker: LocalWorker,
    build: Callable[[Callable[[], Engine]], MapToolPart],
) -> None:
    engine = worker if view == "file" else Rendered(worker)
    window.look_at(layer, crs)
    part = build(lambda: engine)
    part.action.trigger()
    window.click(window.at(layer, *CENTRE_PX))
    wait_for(lambda: part.session.outline, seconds=240)
    window.press(Qt.Key.Key_Return)
    (made,) = QgsProject.instance().mapLayersByName("Segments")
    (feature,) = made.getFeatures()
    assert iou(feature.geometry(), true_outline()) >= 0.7
    assert feature["area_m2"] == pytest.approx(true_outline().area(), rel=0.3)
    assert feature["model"]
    assert window.messages() == []


def test_a_box_and_a_click_beside_it_refine_through_the_worker(
    window: Window,
    layer: QgsRasterLayer,
    worker: LocalWorker,
    build: Callable[[Callable[[], Engine]], MapToolPart],
) -> None:
    part = build(lambda: worker)
    part.action.trigger()
    window.drag(window.at(layer, 265, 180), window.at(layer, 395, 282))
    wait_for(lambda: part.session.outline, seconds=240)
    window.click(window.at(layer, 120, 90), Qt.MouseButton.RightButton)
    wait_for(lambda: part.session.answer.job.prompts == part.session.prompts, seconds=60)
    assert iou(part.session.outline, true_outline()) >= 0.7
    assert part.session.answer.was_known
