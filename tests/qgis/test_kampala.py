"""Real buildings in a real mosaic, in the real qgis_process, by the embedded model: here and through the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import BACKEND_PYTHON, PLUGINS, ROOT
from osgeo import gdal
from process import QgisProcess
from qgis.core import QgsRectangle
from running_server import running_server
from test_qgis_process import facts, read

TOKEN = "a token of the test"  # noqa: S105 - of this test
HERE, THERE = 1, 2
"""Values of BACKEND: the worker of this machine, and the server."""

N_BUILDINGS = 107


@pytest.fixture(scope="module")
def kampala(shared: Path) -> Path:
    return shared / "data" / "geo" / "fair_oam"


@pytest.fixture(scope="module")
def mosaic(kampala: Path) -> Path:
    return kampala / "kampalaA_z21_3072x2048.tif"


@pytest.fixture(scope="module")
def both_ways(mosaic: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[QgisProcess]:
    """qgis_process with a profile that knows the embedded model here, and a server with the same."""
    made = QgisProcess(tmp_path_factory.mktemp("kampala"), PLUGINS)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SEGMENT_ANYTHING_TOKEN", TOKEN)
        with running_server("embedded", TOKEN, tmp_path_factory.mktemp("spool")) as url:
            made.run("setup", ACTION=2, PYTHON=BACKEND_PYTHON, SOURCE_FOLDER=ROOT, DEVICE="cpu", SERVER=url)
            yield made


def run_both_ways(process: QgisProcess, algorithm: str, folder: Path, **given: object) -> dict[str, Any]:
    """What the worker answers; the server's features are the same, but for the last digits that threads add up to."""
    here = process.run(algorithm, BACKEND=HERE, OUTPUT=folder / "here.gpkg", **given)
    there = process.run(algorithm, BACKEND=THERE, OUTPUT=folder / "there.gpkg", **given)
    assert there["JOURNAL"].startswith("run:")
    assert (here["STATE"], there["STATE"]) == ("complete", "complete")
    outlines_here, scores_here = zip(*facts(folder / "here.gpkg"), strict=True)
    outlines_there, scores_there = zip(*facts(folder / "there.gpkg"), strict=True)
    assert outlines_here == outlines_there
    assert scores_here == pytest.approx(scores_there, abs=1e-5)
    return here


def part_of(raster: Path) -> QgsRectangle:
    """Its north-west: four of its tiles, with what they share with the others."""
    left, size_x, _, top, _, size_y = gdal.Open(str(raster)).GetGeoTransform()
    return QgsRectangle(left, top + 800 * size_y, left + 800 * size_x, top)


def test_a_part_of_the_mosaic_gives_the_same_objects_here_and_there(
    both_ways: QgisProcess, mosaic: Path, tmp_path: Path
) -> None:
    part = part_of(mosaic)
    extent = f"{part.xMinimum()},{part.xMaximum()},{part.yMinimum()},{part.yMaximum()} [EPSG:3857]"
    given = {"EXTENT": extent, "POINTS_PER_SIDE": 4, "PRED_IOU": 0.25, "STABILITY": 0.25, "HEAL": "false"}

    found = run_both_ways(both_ways, "segmentraster", tmp_path, INPUT=mosaic, **given)

    layer = read(tmp_path / "here.gpkg")
    assert found["N_OBJECTS"] == layer.featureCount() > 10
    assert layer.crs().authid() == "EPSG:3857"
    assert all(feature.geometry().isGeosValid() for feature in layer.getFeatures())
    assert layer.extent().intersects(part)


def test_each_building_of_the_mosaic_is_found_by_its_box_here_and_there(
    both_ways: QgisProcess, mosaic: Path, kampala: Path, tmp_path: Path
) -> None:
    buildings = kampala / "kampalaA_buildings.geojson"

    found = run_both_ways(both_ways, "segmentprompts", tmp_path, INPUT=mosaic, PROMPTS=buildings, PROMPT_KIND=2)

    true = {feature["id"]: feature.geometry() for feature in read(buildings).getFeatures()}
    ious = []
    for feature in read(tmp_path / "here.gpkg").getFeatures():
        outline, truth = feature.geometry().makeValid(), true[feature["prompt_id"]]
        ious.append(outline.intersection(truth).area() / outline.combine(truth).area())
    assert found["N_OBJECTS"] == len(ious) == N_BUILDINGS
    assert sum(iou >= 0.5 for iou in ious) >= 0.9 * N_BUILDINGS
