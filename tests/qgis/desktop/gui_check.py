"""Uses the plugin in a real QGIS window as a person would; `run_desktop.py` starts it with ``qgis --code``."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import processing
from qgis.core import QgsApplication, QgsCoordinateTransform, QgsPointXY, QgsProject, QgsRasterLayer, QgsRectangle
from qgis.gui import QgsFilterLineEdit
from qgis.PyQt.QtCore import QCoreApplication, QModelIndex, QPoint, Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QDialog, QDockWidget, QPushButton, QTreeView
from qgis.utils import iface, plugins

OUT, WORK = Path(os.environ["SAM_DESKTOP_OUT"]), Path(os.environ["SAM_DESKTOP_WORK"])
sys.path.insert(0, str(Path(os.environ["QGIS_PLUGINPATH"]).parent / "tests" / "qgis" / "map_tool"))

import scene  # noqa: E402 - found through the path above

PATIENCE_S = 900.0
findings: dict[str, Any] = {"failures": []}


def check(is_so: object, what: str) -> None:
    """Keep what isn't so."""
    if not is_so:
        findings["failures"].append(what)


def wait_for(condition: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
    """Let QGIS work until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        QTest.qWait(50)


def photograph(name: str) -> None:
    """The whole screen, as a person would see it."""
    QTest.qWait(600)
    QApplication.primaryScreen().grabWindow(0).save(str(OUT / f"{name}.png"))


def tree_texts(tree: QTreeView) -> list[str]:
    """All that a tree shows, each with its depth as blanks."""
    tree.expandAll()
    texts: list[str] = []

    def walk(parent: QModelIndex, depth: int) -> None:
        model = tree.model()
        for row in range(model.rowCount(parent)):
            index = model.index(row, 0, parent)
            texts.append("  " * depth + str(index.data()))
            walk(index, depth + 1)

    walk(tree.rootIndex(), 0)
    return texts


def check_toolbox() -> None:
    """The provider and its algorithms are in the toolbox."""
    toolbox = iface.mainWindow().findChild(QDockWidget, "ProcessingToolbox")
    toolbox.show()
    toolbox.findChild(QgsFilterLineEdit).setValue("segment")
    wait_for(lambda: "Segment Anything" in "\n".join(tree_texts(toolbox.findChild(QTreeView))), "the provider", 20)
    findings["toolbox"] = [text.strip() for text in tree_texts(toolbox.findChild(QTreeView))]
    ids = [algorithm.id() for algorithm in QgsApplication.processingRegistry().algorithms()]
    findings["algorithms"] = [name for name in ids if name.startswith("segmentanything:")]
    check(len(findings["algorithms"]) >= 5, "five algorithms are there")
    toolbox.findChild(QgsFilterLineEdit).setValue("segment anything")
    QTest.qWait(2000)
    iface.mapCanvas().waitWhileRendering()
    photograph("1_toolbox")


def show_raster() -> QgsRasterLayer:
    """The raster of the command line, or the generated scene."""
    path = os.environ["SAM_DESKTOP_RASTER"] or scene.write_raster(WORK / "scene.tif", scene.scene_pixels())
    iface.mainWindow().showMaximized()
    for name in ("Browser", "Browser2"):
        iface.mainWindow().findChild(QDockWidget, name).hide()
    layer = QgsRasterLayer(path, Path(path).stem.partition("_")[0])
    check(layer.isValid(), f"{path} is a raster")
    QgsProject.instance().addMapLayer(layer)
    QgsProject.instance().setCrs(layer.crs())
    iface.setActiveLayer(layer)
    iface.mapCanvas().setExtent(layer.extent())
    return layer


def check_dialog(layer: QgsRasterLayer) -> None:
    """The dialog of `segmentraster` opens, runs, and loads its layer."""
    small = QgsRasterLayer(scene.write_raster(WORK / "small.tif", scene.scene_pixels()[:, :320, :480]), "small")
    QgsProject.instance().addMapLayer(small)
    dialog = processing.createAlgorithmDialog(
        "segmentanything:segmentraster",
        {"INPUT": small, "POINTS_PER_SIDE": 8, "PRED_IOU": 0.5, "STABILITY": 0.5, "OUTPUT": str(WORK / "objects.gpkg")},
    )
    dialog.show()
    QTest.qWait(500)
    photograph("2_dialog")
    before = set(QgsProject.instance().mapLayers())
    (run,) = [button for button in dialog.findChildren(QPushButton) if button.text().replace("&", "") == "Run"]
    QTest.mouseClick(run, Qt.MouseButton.LeftButton)
    wait_for(lambda: set(QgsProject.instance().mapLayers()) - before, "the layer of the run")
    loaded = [QgsProject.instance().mapLayer(name) for name in set(QgsProject.instance().mapLayers()) - before]
    QTest.qWait(1000)  # so that QGIS is done with the results
    findings["loaded"] = {made.name(): len(list(made.getFeatures())) for made in loaded}
    check(any(count > 0 for count in findings["loaded"].values()), "the run found objects")
    check(all(made.crs() == small.crs() for made in loaded), "objects lie in the CRS of the raster")
    photograph("3_after_run")
    dialog.close()
    for name in [small.id(), *(made.id() for made in loaded)]:
        QgsProject.instance().removeMapLayer(name)
    iface.setActiveLayer(layer)


def check_map_tool(layer: QgsRasterLayer) -> None:
    """Clicks show previews, and Enter keeps them."""
    (part,) = [part for part in plugins["segment_anything"]._parts if hasattr(part, "session")]
    iface.mainWindow().findChild(QDockWidget, "ProcessingToolbox").hide()
    part.action.trigger()
    canvas, pointed = iface.mapCanvas(), _places_to_point_at()
    width = float(os.environ["SAM_DESKTOP_WIDTH"]) or layer.extent().width()
    canvas.setExtent(QgsRectangle.fromCenterAndSize(pointed[-1][0], width, width / 2))
    findings["clicks"] = []
    for number, places in enumerate(pointed, start=1):
        wait_for(lambda: not part.dock.state_text.endswith("…"), "the engine")
        QTest.qWait(1000)
        canvas.waitWhileRendering()
        _point_at([_on_screen(layer, place) for place in places])
        wait_for(lambda: part.session.answer is not None and part.session.steps, "the preview")
        findings["clicks"].append([part.dock.state_text, part.dock.times_text])
        if number < len(pointed):
            QTest.keyClick(canvas, Qt.Key.Key_Return)
    photograph("4_map_tool")
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    (made,) = QgsProject.instance().mapLayersByName("Segments")
    findings["accepted"] = [feature.attributes() for feature in made.getFeatures()]
    check(made.featureCount() == len(pointed), "all objects were accepted")
    photograph("5_accepted")
    iface.actionPan().trigger()


def _on_screen(layer: QgsRasterLayer, place: QgsPointXY) -> QPoint:
    canvas = iface.mapCanvas()
    to_map = QgsCoordinateTransform(layer.crs(), canvas.mapSettings().destinationCrs(), QgsProject.instance())
    screen = canvas.getCoordinateTransform().transform(to_map.transform(place))
    return QPoint(round(screen.x()), round(screen.y()))


def _point_at(places: list[QPoint]) -> None:
    """Click one place, or drag a box between two."""
    viewport, left, none = iface.mapCanvas().viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(viewport, left, none, places[0])
    QTest.qWait(100)
    QTest.mouseRelease(viewport, left, none, places[-1])


def _places_to_point_at() -> list[list[QgsPointXY]]:
    given = os.environ["SAM_DESKTOP_POINTS"]
    if not given:
        return [[QgsPointXY(*scene.px_to_map(*scene.CENTRE_PX))]]
    numbers = [[float(value) for value in places.split(",")] for places in given.split(";")]
    return [[QgsPointXY(*found[index : index + 2]) for index in range(0, len(found), 2)] for found in numbers]


def check_settings() -> None:
    """The page is in the options; its check says that the backend works."""
    from segment_anything.settings_page.factory import PAGE_NAME, SettingsPage

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        try:
            page = dialog.findChild(SettingsPage)
            page.form.check_button.click()
            wait_for(page.form.check_button.isEnabled, "the check")
            findings["check"] = page.form.answer.text()
            check(findings["check"].startswith("✓"), "the settings work")
            photograph("6_settings")
        except Exception:  # noqa: BLE001 - whatever it was, the dialog must close
            findings["failures"].append(traceback.format_exc())
        finally:
            if isinstance(dialog, QDialog):
                dialog.reject()

    QTimer.singleShot(1500, look)
    iface.showOptionsDialog(iface.mainWindow(), PAGE_NAME)


def main() -> None:
    """All checks; whatever happens, QGIS ends."""
    try:
        layer = show_raster()
        steps = {
            "toolbox": check_toolbox,
            "dialog": lambda: check_dialog(layer),
            "map-tool": lambda: check_map_tool(layer),
            "settings": check_settings,
        }
        for name in os.environ["SAM_DESKTOP_STEPS"].split(","):
            steps[name]()
    except Exception:  # noqa: BLE001 - the outermost edge: it must be told, and QGIS must end
        findings["failures"].append(traceback.format_exc())
        photograph("failure")
    (OUT / "findings.json").write_text(json.dumps(findings, indent=1, ensure_ascii=False, default=str))
    QgsProject.instance().clear()
    QTimer.singleShot(0, iface.actionExit().trigger)
    QTimer.singleShot(5000, QCoreApplication.quit)


QTimer.singleShot(1500, main)
