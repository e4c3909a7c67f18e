"""Time and memory of a raster run against the raster's size, up to 100,000 x 100,000 px.

    python -m benchmarks.rasters.bench_size

Rasters of bright discs at known places, each run in a process of its own: by a stand-in for the model that finds every
disc (what everything but the network costs, and whether the count is right), some also by the embedded model. Writes
SIZES.md and sizes.png beside this file; ends with an error where a count is wrong or memory passes 2 GB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import shapely

from benchmarks.machine import describe_machine
from benchmarks.markdown import table
from benchmarks.rasters.bright_discs import SCENE_PX, known_places_xy, write_scenes
from sam_backend.geo.vector_layer import read_vector_layer

SIDES_PX = (2048, 4096, 8192, 16384)
HUGE_PX = 100_000
MOST_MB = 2000.0
MODEL_UP_TO_PX = 4096
FOLDER = Path(__file__).parent
STAND_IN, MODEL = "stand-in", "embedded model"
HEADER = (
    "raster",
    "side px",
    "written, megapixels",
    "by",
    "tiles",
    "processor s",
    "clock s",
    "ms a tile",
    "peak MB",
    "discs",
    "objects",
    "discs with exactly one object",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A raster, and who looks at it."""

    kind: str
    side_px: int
    corners_xy: tuple[tuple[int, int], ...]
    """Of the scenes in it."""

    points_per_side: int = 0
    """Of the model's grid; 0: the stand-in."""

    @property
    def by(self) -> str:
        """Who looks."""
        return MODEL if self.points_per_side else STAND_IN


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it."""

    case: Case
    n_tiles: int
    cpu_s: float
    wall_s: float
    peak_mb: float
    n_discs: int
    n_objects: int
    n_right: int
    """Discs whose centre lies in exactly one object."""

    def cells(self) -> tuple[str, ...]:
        """Of the table."""
        return (
            self.case.kind,
            f"{self.case.side_px:,}",
            f"{len(self.case.corners_xy) * SCENE_PX**2 / 1e6:,.0f}",
            self.case.by,
            str(self.n_tiles),
            f"{self.cpu_s:.1f}",
            f"{self.wall_s:.1f}",
            f"{1000 * self.cpu_s / self.n_tiles:.0f}",
            f"{self.peak_mb:.0f}",
            str(self.n_discs),
            str(self.n_objects),
            str(self.n_right),
        )

    @property
    def fault(self) -> str | None:
        """What is wrong with it."""
        where = f"{self.case.kind}, {self.case.side_px} px, {self.case.by}"
        if self.peak_mb > MOST_MB:
            return f"{where}: {self.peak_mb:.0f} MB are more than {MOST_MB:.0f}"
        is_exact = self.case.by == STAND_IN
        return (
            f"{where}: {self.n_objects} objects"
            if is_exact and {self.n_objects, self.n_right} != {self.n_discs}
            else None
        )


def main() -> None:
    """Measure every case, write the report."""
    arguments = _arguments()
    results = []
    for case in _cases(arguments.sides, arguments.points_per_side):
        results.append(_measure(case))
        print(" | ".join(results[-1].cells()), flush=True)
    arguments.to.mkdir(parents=True, exist_ok=True)
    _plot(results, arguments.to / "sizes.png")
    rows = table(HEADER, [result.cells() for result in results])
    text = TEXT.format(table=rows, points=arguments.points_per_side, machine=describe_machine())
    (arguments.to / "SIZES.md").write_text(text, encoding="utf-8")
    sys.exit("; ".join(fault for result in results if (fault := result.fault)) or None)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="*", default=SIDES_PX, metavar="PX", help="multiples of 1024")
    parser.add_argument("--points-per-side", type=int, default=4, help="of the model's grid on a tile (4); 0: no model")
    parser.add_argument("--to", type=Path, default=FOLDER, metavar="FOLDER")
    return parser.parse_args()


def _cases(sides_px: Sequence[int], points_per_side: int) -> Iterator[Case]:
    for side_px in sides_px:
        steps = range(0, side_px, SCENE_PX)
        dense, sparse = tuple((x, y) for y in steps for x in steps), tuple((at, at) for at in steps)
        yield Case("dense", side_px, dense)
        yield Case("its diagonal only", side_px, sparse)
        if points_per_side and side_px <= MODEL_UP_TO_PX:
            yield Case("dense", side_px, dense, points_per_side)
    for points in dict.fromkeys((0, points_per_side)):
        yield Case("twelve places", HUGE_PX, _far_corners_xy(), points)


def _far_corners_xy() -> tuple[tuple[int, int], ...]:
    """The four corners of the huge raster, and eight places in between, apart from each other."""
    last = HUGE_PX - SCENE_PX
    chance = np.random.default_rng(0)
    between = [(10_000 + 10_000 * nth, int(chance.integers(5_000, last - 5_000))) for nth in range(8)]
    return ((0, 0), (last, 0), (0, last), (last, last), *between)


def _measure(case: Case) -> Result:
    with tempfile.TemporaryDirectory() as name:
        raster, output = Path(name, "raster.tif"), Path(name, "objects.gpkg")
        write_scenes(raster, case.side_px, case.corners_xy)
        worker = [sys.executable, "-m", "benchmarks.rasters.size_worker", str(raster), str(output)]
        command = [*worker, "--points-per-side", str(case.points_per_side)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own
        told = json.loads(done.stdout)
        if told["n_failed"]:
            raise RuntimeError(f"{told['n_failed']} tiles failed: {done.stderr}")
        places_xy = known_places_xy(case.corners_xy)
        facts = {name: told[name] for name in ("n_tiles", "cpu_s", "wall_s", "peak_mb", "n_objects")}
        return Result(case, n_discs=len(places_xy), n_right=_n_right(output, places_xy), **facts)


def _n_right(file: Path, places_xy: np.ndarray) -> int:
    outlines = [shape for shape in read_vector_layer(file, "objects").shapes.values() if shape is not None]
    place, _ = shapely.STRtree(outlines).query(shapely.points(places_xy), predicate="intersects")
    return int((np.bincount(place, minlength=len(places_xy)) == 1).sum())


def _plot(results: Sequence[Result], path: Path) -> None:
    figure, (times, memory) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    lines = dict.fromkeys((one.case.kind, one.case.by) for one in results)
    for kind, by in lines:
        some = [one for one in results if (one.case.kind, one.case.by) == (kind, by)]
        sides = [one.case.side_px for one in some]
        style = {"marker": "o", "linestyle": "-" if by == STAND_IN else "--", "label": f"{kind}, {by}"}
        times.plot(sides, [one.cpu_s for one in some], **style)
        memory.plot(sides, [one.peak_mb for one in some], **style)
    memory.axhline(MOST_MB, color="grey", linewidth=0.8)
    times.set(xscale="log", yscale="log", xlabel="side of the raster, px", ylabel="processor time, s")
    memory.set(xscale="log", ylim=(0, None), xlabel="side of the raster, px", ylabel="peak memory, MB")
    times.legend(fontsize=8)
    figure.savefig(path, dpi=100)
    plt.close(figure)


TEXT = """# Rasters by their size

    python -m benchmarks.rasters.bench_size

GeoTIFFs (8 bits, RGB) of bright discs, 64 to a scene of 1024 x 1024 px, written without gaps, on the diagonal only,
or at twelve places of 100,000 x 100,000 px, four of them its corners; elsewhere no block was ever written. Each run
(read, segment, journal, merge over seams, draw, GeoPackage) is a process of its own. The stand-in finds every bright
region, so its rows are what all but the network costs, and must give one object for each disc. The embedded model looks
with {points} x {points} points a tile, by which it can't find all discs.

{table}

![Time and memory against the side](sizes.png)

Memory is the high-water mark of the process: Python, PyTorch and the model, some 400 MB, are in it. What is to be seen:
time follows the tiles that hold data, memory doesn't follow the size.

Measured on {machine}.
"""


if __name__ == "__main__":
    main()
