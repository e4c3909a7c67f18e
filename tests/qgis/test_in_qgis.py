"""The algorithms in this process, where one worker serves all tests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import BACKEND_PYTHON, ROOT
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterRasterLayer,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsSettings,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import NULL, QVariant
from rasters import ORIGIN_XY, PIXEL_M, write_squares

pytestmark = pytest.mark.usefixtures("plugin")

ALL_MASKS = {
    "POINTS_PER_SIDE": 3,
    "PRED_IOU": 0,
    "STABILITY": 0,
    "TILE_SIZE": 256,
    "OVERLAP": 64,
    "HEAL": False,
    "BANDS": [],
}


class Listener(QgsProcessingFeedback):
    """Keeps what is said, and stops when something it waits for is."""

    def __init__(self, stops_at: str = "", stops_after_tile: bool = False) -> None:
        super().__init__(False)
        self.stopped_at_s = 0.0
        self.said: list[str] = []
        self.progress: list[float] = []
        self._stops_at = stops_at
        self.progressChanged.connect(self.progress.append)
        if stops_after_tile:
            self.progressChanged.connect(self._stop)

    def pushInfo(self, info: str) -> None:
        self.said.append(info)
        if self._stops_at and self._stops_at in info:
            self.cancel()

    def _stop(self, progress: float) -> None:
        if progress > 0 and not self.isCanceled():
            self.stopped_at_s = time.monotonic()
            self.cancel()

    def setProgressText(self, text: str) -> None:
        self.pushInfo(text)


@pytest.fixture(scope="module")
def plugin(qgis_processing: None, tiny_weights: Path) -> Iterator[Any]:
    from segment_anything import classFactory
    from segment_anything.settings import Backend, PluginSettings, write_settings

    write_settings(
        PluginSettings(
            backend=Backend.LOCAL,
            python=BACKEND_PYTHON,
            source_folder=str(ROOT),
            model=str(tiny_weights),
            device="cpu",
        )
    )
    made = classFactory(None)
    made.initProcessing()
    yield made
    made.unload()
    assert QgsApplication.processingRegistry().providerById("segmentanything") is None


def run(algorithm: str, given: dict[str, Any], listener: QgsProcessingFeedback | None = None) -> dict[str, Any]:
    import processing

    results: dict[str, Any] = processing.run(
        f"segmentanything:{algorithm}",
        {"OUTPUT": "TEMPORARY_OUTPUT", **given},
        feedback=listener or Listener(),
    )
    return results


def corners_of(layer: QgsVectorLayer) -> list[float]:
    extent = layer.extent()
    return [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()]


def test_a_temporary_layer_is_coloured_and_says_how_it_was_made(squares: Path) -> None:
    listener = Listener()

    results = run("segmentraster", {"INPUT": str(squares), **ALL_MASKS}, listener)

    layer = results["OUTPUT"]
    assert layer.featureCount() == results["N_OBJECTS"] > 0
    assert layer.renderer().classAttribute() == "score"
    assert all(layer.renderer().legendKeyForValue(score) for score in (-0.4, 0.0, 0.95, 1.3))
    assert "segmentanything:segmentraster" in layer.metadata().history()[0]
    assert any("Model tiny on cpu, backend" in text for text in listener.said)
    assert any("of 4 tiles" in text for text in listener.said)
    assert any(text.startswith("Objects: ") for text in listener.said)
    assert listener.progress == sorted(listener.progress)
    assert max(listener.progress) <= 100


def test_the_same_again_is_done_at_once(squares: Path) -> None:
    given = {"INPUT": str(squares), **ALL_MASKS, "POINTS_PER_SIDE": 2}
    first, listener = run("segmentraster", given), Listener()

    second = run("segmentraster", given, listener)

    assert second["JOURNAL"] == first["JOURNAL"]
    assert any("4 tiles, 4 done before" in text for text in listener.said)
    assert second["N_OBJECTS"] == first["N_OBJECTS"]


def test_objects_can_be_coloured_by_area(squares: Path) -> None:
    layer = run("segmentraster", {"INPUT": str(squares), **ALL_MASKS, "STYLE": 1})["OUTPUT"]

    assert layer.renderer().classAttribute() == "area_m2"


def test_only_tiles_that_meet_the_extent_are_looked_at(squares: Path) -> None:
    listener = Listener()
    extent = "500000,500050,5499985,5499995 [EPSG:25832]"

    run("segmentraster", {"INPUT": str(squares), **ALL_MASKS, "EXTENT": extent, "RESTART": True}, listener)

    assert any("of 1 tiles" in text for text in listener.said)


def test_a_layer_that_is_no_file_on_disk_is_written_to_one(squares: Path, tmp_path: Path) -> None:
    gdal.FileFromMemBuffer("/vsimem/squares.tif", squares.read_bytes())
    layer = QgsRasterLayer("/vsimem/squares.tif", "in memory", "gdal")
    assert layer.isValid()
    listener = Listener()

    found = run("segmentraster", {"INPUT": layer, **ALL_MASKS}, listener)
    usual = run("segmentraster", {"INPUT": str(squares), **ALL_MASKS})

    assert any("is no plain file" in text for text in listener.said)
    assert found["N_OBJECTS"] == usual["N_OBJECTS"]
    assert found["OUTPUT"].extent() == usual["OUTPUT"].extent()


def test_control_points_place_the_objects_as_they_place_the_picture(squares: Path, tmp_path: Path) -> None:
    corners_px = ((0, 0), (400, 0), (0, 300), (400, 300))
    (x, y), tied = ORIGIN_XY, tmp_path / "tied.tif"
    points = [gdal.GCP(x + PIXEL_M * column, y - PIXEL_M * row, 0, column, row) for column, row in corners_px]
    gdal.Translate(str(tied), str(squares), GCPs=points, outputSRS="EPSG:25832")

    found = run("segmentraster", {"INPUT": str(tied), **ALL_MASKS})["OUTPUT"]
    usual = run("segmentraster", {"INPUT": str(squares), **ALL_MASKS})["OUTPUT"]

    assert found.crs() == usual.crs()
    assert corners_of(found) == pytest.approx(corners_of(usual), abs=1e-6)


@pytest.fixture
def scan(squares: Path, tmp_path: Path) -> Path:
    """The squares as a picture that doesn't say where it lies."""
    path = tmp_path / "scan.png"
    gdal.Translate(str(path), str(squares), format="PNG")
    (tmp_path / "scan.png.aux.xml").unlink()
    return path


def test_objects_of_a_picture_without_a_place_lie_where_qgis_shows_it(squares: Path, scan: Path) -> None:
    shown = QgsRasterLayer(str(scan), "scan", "gdal").extent()

    found = run("segmentraster", {"INPUT": str(scan), **ALL_MASKS})["OUTPUT"]
    usual = run("segmentraster", {"INPUT": str(squares), **ALL_MASKS})["OUTPUT"]

    x, y = ORIGIN_XY
    in_px = [(value - start) / PIXEL_M for value, start in zip(corners_of(usual), (x, y, x, y), strict=True)]
    assert (shown.yMinimum(), shown.yMaximum()) == (-300, 0)
    assert corners_of(found) == pytest.approx(in_px, abs=1e-3)


@pytest.mark.parametrize("sees_files", [True, False], ids=["engine here", "engine elsewhere"])
def test_a_picture_without_a_place_is_handed_over_with_that_of_its_layer(scan: Path, sees_files: bool) -> None:
    from segment_anything.processing.raster_source import RasterSource

    class Engine:
        def sees(self, path: str) -> bool:
            return sees_files

    layer = QgsRasterLayer(str(scan), "scan", "gdal")
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:25833"))

    handed_over = gdal.Open(RasterSource.of(layer).for_engine(Engine(), None, None, Listener()))

    assert handed_over.GetDriver().ShortName == ("VRT" if sees_files else "GTiff")
    assert handed_over.GetGeoTransform(can_return_null=True) == (0, 1, 0, 0, 0, -1)
    assert handed_over.GetSpatialRef().GetAuthorityCode(None) == "25833"
    assert handed_over.ReadAsArray().tobytes() == gdal.Open(str(scan)).ReadAsArray().tobytes()


@pytest.fixture
def tile_server() -> Iterator[str]:
    """Every tile of this map is the same picture, whatever its zoom."""
    file = gdal.GetDriverByName("MEM").Create("", 256, 256, 3, gdal.GDT_Byte)
    for band, value in zip((1, 2, 3), (220, 60, 50), strict=True):
        file.GetRasterBand(band).Fill(90)
        file.GetRasterBand(band).WriteRaster(64, 64, 100, 100, bytes([value]) * 10_000)
    gdal.GetDriverByName("PNG").CreateCopy("/vsimem/tile.png", file)
    size = gdal.VSIStatL("/vsimem/tile.png").size
    opened = gdal.VSIFOpenL("/vsimem/tile.png", "rb")
    picture = bytes(gdal.VSIFReadL(1, size, opened))
    gdal.VSIFCloseL(opened)

    class Tiles(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(picture)))
            self.end_headers()
            self.wfile.write(picture)

        def log_message(self, *words: object) -> None:
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tiles)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"type=xyz&url=http://127.0.0.1:{server.server_port}/%7Bz%7D/%7Bx%7D/%7By%7D.png&zmin=0&zmax=18"
    server.shutdown()
    thread.join()
    server.server_close()


def test_tiles_from_the_web_take_an_extent_and_a_resolution(tile_server: str) -> None:
    layer, listener = QgsRasterLayer(tile_server, "web", "wms"), Listener()
    assert layer.isValid()
    extent = "1000000,1000300,6000000,6000200 [EPSG:3857]"

    with pytest.raises(QgsProcessingException, match="give an extent and a resolution"):
        run("segmentraster", {"INPUT": layer, **ALL_MASKS, "EXTENT": extent})
    found = run("segmentraster", {"INPUT": layer, **ALL_MASKS, "EXTENT": extent, "RESOLUTION": 1.0}, listener)

    assert any("writing 300 x 200 pixels" in text for text in listener.said)
    assert found["OUTPUT"].crs().authid() == "EPSG:3857"
    assert QgsRectangle(1_000_000, 6_000_000, 1_000_300, 6_000_200).contains(found["OUTPUT"].extent())


def test_the_crs_that_the_user_gave_the_layer_counts(tmp_path: Path) -> None:
    layer = QgsRasterLayer(str(write_squares(tmp_path / "nowhere.tif", epsg=None)), "nowhere", "gdal")
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:25833"))

    objects = run("segmentraster", {"INPUT": layer, **ALL_MASKS})["OUTPUT"]

    assert objects.crs().authid() == "EPSG:25833"
    assert all(feature["area_m2"] > 0 for feature in objects.getFeatures())


def test_a_raster_without_a_crs_is_segmented_in_its_own_coordinates(tmp_path: Path) -> None:
    layer = QgsRasterLayer(str(write_squares(tmp_path / "nowhere.tif", epsg=None)), "nowhere", "gdal")
    layer.setCrs(QgsCoordinateReferenceSystem())

    results = run("segmentraster", {"INPUT": layer, **ALL_MASKS})

    assert results["N_OBJECTS"] > 0
    with pytest.raises(QgsProcessingException, match="assign one to the layer"):
        run("segmentraster", {"INPUT": layer, **ALL_MASKS, "EXTENT": "500000,500050,5499900,5499990"})


def test_bands_are_shown_in_the_order_of_the_choice(squares: Path) -> None:
    usual = run("segmentraster", {"INPUT": str(squares), **ALL_MASKS, "BANDS": [1, 2, 3]})
    turned = run("segmentraster", {"INPUT": str(squares), **ALL_MASKS, "BANDS": [3, 1, 2]})

    scores = [sorted(feature["score"] for feature in one["OUTPUT"].getFeatures()) for one in (usual, turned)]
    assert scores[0] != scores[1]


def test_a_stopped_run_ends_within_a_second_and_keeps_its_finished_tiles(
    squares: Path, record_property: Callable[[str, object], None]
) -> None:
    """Ten times as much is allowed, for busy machines; what it took is in the report (`--junitxml`)."""
    given = {"INPUT": str(squares), **ALL_MASKS, "POINTS_PER_SIDE": 16, "TILE_SIZE": 128, "OVERLAP": 32}
    stopping = Listener(stops_after_tile=True)

    results = run("segmentraster", {**given, "RESTART": True}, stopping)
    took_s = time.monotonic() - stopping.stopped_at_s

    record_property("seconds_to_stop", round(took_s, 2))
    assert took_s < 10
    assert results["STATE"] == "cancelled"
    going_on = Listener(stops_at="done before")
    run("segmentraster", given, going_on)
    (standing,) = [text for text in going_on.said if "done before" in text]
    assert int(standing.partition(" tiles, ")[2].split()[0]) >= 1


def test_dates_lists_and_maps_of_prompts_stay_readable(tmp_path: Path) -> None:
    from segment_anything.processing.feature_file import write_prompts

    known = {
        "day": "2024-05-01",
        "hour": "12:30:00",
        "seen": "2024-05-01T12:30:01",
        "precise": "2024-05-01T12:30:01.250",
    }
    nested = {"tags": ["old", "grün"], "roof": {"angle": 30, "parts": [None, "flat"]}}
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [9, 50]}}
    path = tmp_path / "known.geojson"
    path.write_text(json.dumps({**feature, "properties": {**known, **nested, "unknown": None}}), encoding="utf-8")
    source = QgsVectorLayer(str(path), "known", "ogr")
    kinds = {field.name(): field.type() for field in source.fields()}
    assert (kinds["day"], kinds["hour"], kinds["seen"]) == (QVariant.Date, QVariant.Time, QVariant.DateTime)

    written = write_prompts(source, source.crs(), QgsProject.instance().transformContext(), Listener())

    (row,) = QgsVectorLayer(written, "written", "ogr").getFeatures()
    assert {name: row[name] for name in known} == known
    assert {name: json.loads(row[name]) for name in nested} == nested
    assert row["unknown"] == NULL


def test_algorithms_work_in_a_model(squares: Path) -> None:
    model = QgsProcessingModelAlgorithm("test", "test")
    model.addModelParameter(QgsProcessingParameterRasterLayer("RASTER"), QgsProcessingModelParameter("RASTER"))
    found = QgsProcessingModelChildAlgorithm("segmentanything:segmentraster")
    found.setChildId("found")
    raster = QgsProcessingModelChildParameterSource.fromModelParameter("RASTER")
    found.addParameterSources("INPUT", [raster])
    for name, value in ALL_MASKS.items():
        found.addParameterSources(name, [QgsProcessingModelChildParameterSource.fromStaticValue(value)])
    model.addChildAlgorithm(found)
    kept = QgsProcessingModelChildAlgorithm("segmentanything:refilter")
    kept.setChildId("kept")
    kept.addParameterSources("JOURNAL", [QgsProcessingModelChildParameterSource.fromChildOutput("found", "JOURNAL")])
    output = QgsProcessingModelOutput("kept")
    output.setChildId("kept")
    output.setChildOutputName("OUTPUT")
    kept.setModelOutputs({"kept": output})
    model.addChildAlgorithm(kept)
    model.initAlgorithm()
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())

    results, is_fine = model.run({"RASTER": str(squares), "kept:kept": "memory:"}, context, Listener())

    assert is_fine
    assert context.getMapLayer(results["kept:kept"]).featureCount() > 0


def test_settings_and_token_are_kept_and_forgotten() -> None:
    from segment_anything.settings import read_settings, read_token, write_token

    usual = read_settings()
    assert usual.python == BACKEND_PYTHON

    with_token, is_encrypted = write_token(usual, "of the test")

    assert read_token(with_token) == "of the test"
    plain = QgsSettings().value("segment_anything/server_token", "")
    assert bool(plain) != is_encrypted
    assert read_token(write_token(with_token, "")[0]) == ""


def test_help_says_what_every_algorithm_and_parameter_is_for() -> None:
    for algorithm in QgsApplication.processingRegistry().providerById("segmentanything").algorithms():
        assert len(algorithm.shortHelpString()) > 100
        assert algorithm.displayName()
        for definition in algorithm.parameterDefinitions():
            assert definition.description() != definition.name()
