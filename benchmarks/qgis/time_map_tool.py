r"""Measures the map tool from click to preview, step by step, cold and warm, through the real worker.

Run it with QGIS's own Python, without a screen:

    QT_QPA_PLATFORM=offscreen PATH=/usr/bin:/bin /usr/bin/python3 benchmarks/qgis/time_map_tool.py RASTER \
        --worker-python .venv/bin/python --point X,Y [--widths 20,60,200] [--repeats 5]

It prints a table in Markdown: milliseconds, the median and in brackets the best. A click is *cold* in a view that the
engine has never seen, *warm* in one that it knows, by an earlier click or because it was prefetched while the user
moved the mouse there.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "plugins"), str(ROOT / "tests" / "qgis" / "map_tool"), "/usr/share/qgis/python/plugins"]

from qgis.core import QgsApplication, QgsPointXY, QgsProject, QgsRasterLayer, QgsRectangle  # noqa: E402 - see above
from qgis.PyQt.QtTest import QTest  # noqa: E402 - see above

PATIENCE_S = 300.0


def main() -> None:
    """Measure, and print a table."""
    arguments = _arguments()
    QgsApplication.setPrefixPath(os.environ.get("QGIS_PREFIX_PATH", "/usr"), True)
    application = QgsApplication([], True)
    application.initQgis()
    Bench(arguments).run()
    sys.stdout.flush()
    os._exit(0)  # QGIS's own end needs every layer gone in the right order; nothing is left to lose here


class Bench:
    """A window with the map tool, and a worker."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from map_window import Window
        from segment_anything.engine.local_worker import LocalWorker
        from segment_anything.map_tool.part import MapToolPart

        self.arguments = arguments
        self.worker = LocalWorker(arguments.worker_python, str(ROOT))
        self.sees_files = True
        self.window = Window()
        self.layer = QgsRasterLayer(arguments.raster, "raster")
        QgsProject.instance().addMapLayer(self.layer)
        self.window.active = self.layer
        self.window.look_at(self.layer, arguments.crs)
        self.part = MapToolPart(self.window, lambda: self)
        self.point = QgsPointXY(*arguments.point)
        self.map_point = self.window.canvas.mapSettings().layerToMapCoordinates(self.layer, self.point)
        self.call, self.close = self.worker.call, self.worker.close

    def sees(self, path: str) -> bool:
        """As an engine: whether views are read by the worker, or rendered here."""
        return self.sees_files

    def run(self) -> None:
        """Everything, as rows of a table."""
        began = time.perf_counter()
        self.worker.call("hello", {})
        print(f"start of the worker with the model: {time.perf_counter() - began:.1f} s\n")
        names = [field.name for field in fields(self._steps_type())]
        print("| view | in sight | " + " | ".join(names) + " |")
        print("|---|---|" + "---:|" * len(names))
        for self.sees_files in (True, False):
            for width in self.arguments.widths:
                cold, warm = self._measure(width)
                view = "file" if self.sees_files else "picture"
                for temperature, steps in (("cold", cold), ("warm", warm)):
                    values = " | ".join(_milliseconds([getattr(one, name) for one in steps]) for name in names)
                    print(f"| {view}, {temperature} | {width:g} m | {values} |", flush=True)
        self.worker.close()

    def _steps_type(self) -> type:
        from segment_anything.map_tool.outcome import Steps

        return Steps

    def _measure(self, width: float) -> tuple[list[object], list[object]]:
        """Clicks in views of one size, each new to the engine, and a second one in each."""
        cold, warm = [], []
        for number in range(self.arguments.repeats):
            self.part.session.set_raster(None)
            self.part.session.set_raster(self.layer)
            shift = number * width * 1.5 * (1 if self.sees_files else 1.07)
            # Not through `start`, which would prefetch: a cold click is one that nobody has prepared.
            extent = QgsRectangle.fromCenterAndSize(self.point, width, width * 0.6)
            extent.setXMinimum(extent.xMinimum() + shift % self._room(width))
            extent.setXMaximum(extent.xMaximum() + shift % self._room(width))
            self.window.look_at(self.layer, self.arguments.crs, extent)
            self.part.session._settled.stop()
            steps = self._click(extent.center())
            if not self.part.session.answer.was_known:
                cold.append(steps)
            self.part.session.clear()
            warm.append(self._click(QgsPointXY(extent.center().x() + width / 40, extent.center().y())))
        return cold, warm

    def _room(self, width: float) -> float:
        return max(width * 0.01, self.layer.extent().xMaximum() - self.point.x() - width)

    def _click(self, at: QgsPointXY) -> object:
        session = self.part.session
        session.steps = None
        session.add_click(self.window.canvas.mapSettings().layerToMapCoordinates(self.layer, at), True)
        self._wait_for(lambda: session.steps)
        return session.steps

    def _wait_for(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer in {PATIENCE_S:g} s: {self.window.messages()}")
            QTest.qWait(1)


def _milliseconds(seconds: list[float]) -> str:
    """The median, and the best, which says more where the machine has other things to do."""
    if not seconds:
        return "-"
    return f"{statistics.median(seconds) * 1000:.0f} ({min(seconds) * 1000:.0f})"


def _arguments() -> argparse.Namespace:
    def numbers(text: str) -> list[float]:
        return [float(value) for value in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raster")
    parser.add_argument("--worker-python", default=str(ROOT / ".venv" / "bin" / "python"))
    parser.add_argument("--point", type=numbers, required=True, help="X,Y in the raster's CRS")
    parser.add_argument("--widths", type=numbers, default=[20.0, 60.0, 200.0], help="of the map in sight, in metres")
    parser.add_argument("--crs", default=None, help="of the map; that of the raster")
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
