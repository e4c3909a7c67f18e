"""The algorithms in the real qgis_process, whose libraries are not those of a plain Python."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from conftest import PLUGINS
from process import PATIENCE_S, ProcessingError, QgisProcess
from qgis.core import QgsFeature, QgsGeometry, QgsVectorFileWriter, QgsVectorLayer
from rasters import ORIGIN_XY, PIXEL_M, SQUARES_PX, write_squares

ALL_MASKS = {"POINTS_PER_SIDE": 4, "PRED_IOU": 0, "STABILITY": 0, "TILE_SIZE": 256, "OVERLAP": 64, "HEAL": "false"}


def read(path: Path | str) -> QgsVectorLayer:
    layer = QgsVectorLayer(str(path), "read", "ogr")
    assert layer.isValid()
    return layer


def square_on_map(index: int) -> QgsGeometry:
    top, left, side = SQUARES_PX[index]
    x0, y1 = ORIGIN_XY[0] + left * PIXEL_M, ORIGIN_XY[1] - top * PIXEL_M
    x1, y0 = x0 + side * PIXEL_M, y1 - side * PIXEL_M
    return QgsGeometry.fromWkt(f"POLYGON(({x0} {y0},{x1} {y0},{x1} {y1},{x0} {y1},{x0} {y0}))")


def write_layer(path: Path, crs: str, shapes: list[str]) -> Path:
    kind = shapes[0].partition("(")[0].strip().title()
    memory = QgsVectorLayer(f"{kind}?crs={crs}&field=name:string&field=fid:int", "made", "memory")
    for index, wkt in enumerate(shapes):
        feature = QgsFeature(memory.fields())
        feature.setAttributes([f"n{index}", 100 + index])
        feature.setGeometry(QgsGeometry.fromWkt(wkt))
        memory.dataProvider().addFeature(feature)
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GeoJSON"
    QgsVectorFileWriter.writeAsVectorFormatV3(memory, str(path), memory.transformContext(), options)
    return path


def test_all_algorithms_are_there_though_nothing_is_set_up(bare_process: QgisProcess) -> None:
    listed = bare_process.call("list")

    names = ("segmentraster", "segmentprompts", "updatelayer", "refilter", "setup")
    assert all(f"segmentanything:{name}" in listed for name in names)


@pytest.mark.parametrize(
    ("given", "cure"),
    [
        pytest.param({}, "Backend status and set-up", id="nothing set up"),
        pytest.param({"BACKEND": 2}, "no server is named: give its URL", id="no server named"),
        pytest.param({"TILE_SIZE": 256, "OVERLAP": 256}, "choose an overlap smaller", id="overlap as large as a tile"),
        pytest.param({"MIN_AREA": 9, "MAX_AREA": 8}, "choose a larger maximum", id="areas that leave nothing"),
        pytest.param({"DRAWING": 2}, "without overlaps", id="shared borders of overlapping objects"),
        pytest.param({"BANDS": "1;2;3;4"}, "choose one", id="four bands"),
    ],
)
def test_what_cannot_work_is_said_before_it_begins(
    bare_process: QgisProcess, tmp_path: Path, given: dict[str, object], cure: str
) -> None:
    raster = write_squares(tmp_path / "four_bands.tif", extra_band=True)

    with pytest.raises(ProcessingError, match=cure):
        bare_process.run("segmentraster", INPUT=raster, OUTPUT=tmp_path / "out.gpkg", **given)


def test_a_python_without_the_backend_is_refused_with_the_cure(bare_process: QgisProcess) -> None:
    with pytest.raises(ProcessingError, match="has no sam_backend: run the algorithm"):
        bare_process.run("setup", ACTION=2, PYTHON="/usr/bin/python3")


@pytest.mark.parametrize(
    ("given", "cure"),
    [
        pytest.param({"PYTHON": "/nowhere/python"}, r"/nowhere/python can't be started .*: name another", id="Python"),
        pytest.param({"SERVER": "http://127.0.0.1:9"}, r"can't be reached .*: see that it runs", id="server"),
    ],
)
def test_what_is_not_there_is_named_with_the_cure(tmp_path: Path, given: dict[str, object], cure: str) -> None:
    with pytest.raises(ProcessingError, match=cure):
        QgisProcess(tmp_path, PLUGINS).run("setup", ACTION=2, **given)


def test_objects_lie_on_the_raster_in_its_crs_and_look_and_say_what_they_are(
    process: QgisProcess, squares: Path, tmp_path: Path
) -> None:
    results = process.run(
        "segmentraster",
        INPUT=squares,
        OUTPUT=tmp_path / "objects.gpkg",
        OUTPUT_TILES=tmp_path / "tiles.gpkg",
        **ALL_MASKS,
    )

    layer = read(tmp_path / "objects.gpkg")
    assert results["STATE"] == "complete"
    assert results["N_OBJECTS"] == layer.featureCount() > 0
    assert results["JOURNAL"] == str(tmp_path / "objects.gpkg.journal")
    assert layer.crs().authid() == "EPSG:25832"
    raster = QgsGeometry.fromWkt(
        f"POLYGON(({500_000} {5_499_850},{500_200} {5_499_850},{500_200} {5_500_000},{500_000} {5_500_000},"
        f"{500_000} {5_499_850}))"
    )
    for feature in layer.getFeatures():
        assert feature.geometry().isGeosValid()
        assert raster.buffer(0.01, 1).contains(feature.geometry())
        assert feature["area_m2"] == pytest.approx(feature.geometry().area(), rel=0.01)
    assert layer.renderer().type() == "graduatedSymbol"
    assert read(tmp_path / "tiles.gpkg").featureCount() == 4
    metadata = QgsVectorLayer(f"{tmp_path}/objects.gpkg|layername=objects", "again", "ogr").metadata()
    assert "model: tiny" in metadata.abstract()
    assert "segmentanything:segmentraster" in metadata.history()[0]


def test_a_stopped_run_goes_on_and_ends_like_one_that_was_not(
    process: QgisProcess, squares: Path, tmp_path: Path
) -> None:
    given = {**ALL_MASKS, "POINTS_PER_SIDE": 24, "POINTS_PER_BATCH": 4, "TILE_SIZE": 128, "OVERLAP": 32}
    started = process.start("segmentraster", INPUT=squares, OUTPUT=tmp_path / "stopped.gpkg", **given)
    journal = tmp_path / "stopped.gpkg.journal"
    wait_for(lambda: journal.exists())
    started.send_signal(signal.SIGINT)
    stopped_at_s = time.monotonic()
    said, _ = started.communicate(timeout=300)
    took_s = time.monotonic() - stopped_at_s

    assert started.returncode == 0
    assert '"STATE": "cancelled"' in said
    assert took_s < 20  # a second, and what ending QGIS takes on a busy machine
    results = process.run("segmentraster", INPUT=squares, OUTPUT=tmp_path / "stopped.gpkg", **given)
    whole = process.run("segmentraster", INPUT=squares, OUTPUT=tmp_path / "whole.gpkg", **given)
    assert results["STATE"] == "complete"
    assert results["N_OBJECTS"] == whole["N_OBJECTS"]
    assert facts(tmp_path / "stopped.gpkg") == facts(tmp_path / "whole.gpkg")


def test_no_worker_outlives_a_killed_qgis(process: QgisProcess, squares: Path, tmp_path: Path) -> None:
    started = process.start("segmentraster", INPUT=squares, OUTPUT=tmp_path / "out.gpkg", **ALL_MASKS)
    wait_for(lambda: children_of(started.pid))
    workers = children_of(started.pid)

    started.kill()
    started.communicate()

    wait_for(lambda: not any(is_alive(pid) for pid in workers))


def test_a_worker_killed_for_memory_is_one_clear_message_and_the_run_goes_on(
    process: QgisProcess, squares: Path, tmp_path: Path
) -> None:
    given = {**ALL_MASKS, "POINTS_PER_SIDE": 24, "POINTS_PER_BATCH": 4, "TILE_SIZE": 128, "OVERLAP": 32}
    started = process.start("segmentraster", INPUT=squares, OUTPUT=tmp_path / "out.gpkg", **given)
    wait_for((tmp_path / "out.gpkg.journal").exists)
    (worker,) = children_of(started.pid)

    os.kill(worker, signal.SIGKILL)
    _, complained = started.communicate(timeout=PATIENCE_S)

    assert started.returncode == 1
    assert "most likely because memory ran out: close other programs" in complained
    assert "Traceback" not in complained
    assert process.run("segmentraster", INPUT=squares, OUTPUT=tmp_path / "out.gpkg", **given)["STATE"] == "complete"


def test_a_journal_that_cannot_be_written_is_one_clear_message(
    process: QgisProcess, squares: Path, tmp_path: Path
) -> None:
    (tmp_path / "full").write_text("a file, where a folder would be needed")

    with pytest.raises(ProcessingError, match="make room or choose another"):
        process.run(
            "segmentraster",
            INPUT=squares,
            JOURNAL=tmp_path / "full" / "run.journal",
            OUTPUT=tmp_path / "out.gpkg",
            **ALL_MASKS,
        )


def test_each_feature_gets_its_object_and_keeps_its_fields(process: QgisProcess, squares: Path, tmp_path: Path) -> None:
    centres = [square_on_map(index).centroid().asWkt() for index in range(3)]
    points = write_layer(tmp_path / "points.geojson", "EPSG:25832", centres)  # GeoJSON: degrees

    results = process.run("segmentprompts", INPUT=squares, PROMPTS=points, OUTPUT=tmp_path / "objects.gpkg")

    features = list(read(tmp_path / "objects.gpkg").getFeatures())
    assert results["N_OBJECTS"] == len(features)
    by_id = {feature["prompt_name"]: feature["prompt_fid"] for feature in features}
    assert by_id.items() <= {"n0": 100, "n1": 101, "n2": 102}.items()
    assert features


def test_an_old_layer_is_told_what_became_of_it(process: QgisProcess, squares: Path, tmp_path: Path) -> None:
    old = write_layer(tmp_path / "old.geojson", "EPSG:25832", [square_on_map(index).asWkt() for index in range(4)])

    process.run("updatelayer", INPUT=squares, PROMPTS=old, OUTPUT=tmp_path / "new.gpkg")

    layer = read(tmp_path / "new.gpkg")
    assert layer.renderer().type() == "categorizedSymbol"
    for feature in layer.getFeatures():
        assert 0 <= feature["iou_to_old"] <= 1
        assert feature["change"] in ("unchanged", "moved", "gone")


def test_a_run_is_filtered_anew_from_its_journal(process: QgisProcess, squares: Path, tmp_path: Path) -> None:
    first = process.run("segmentraster", INPUT=squares, OUTPUT=tmp_path / "objects.gpkg", **ALL_MASKS)
    areas = sorted(feature["area_m2"] for feature in read(tmp_path / "objects.gpkg").getFeatures())
    middle = areas[len(areas) // 2]

    results = process.run("refilter", JOURNAL=first["JOURNAL"], MIN_AREA=middle * 1.001, OUTPUT=tmp_path / "large.gpkg")

    assert results["N_OBJECTS"] == read(tmp_path / "large.gpkg").featureCount() < first["N_OBJECTS"]


def facts(path: Path) -> list[tuple[bytes, float]]:
    return sorted((bytes(one.geometry().asWkb()), one["score"]) for one in read(path).getFeatures())


def children_of(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] or [
            int(word)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for word in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X") and os.path.exists(f"/proc/{pid}")


def wait_for(condition: object, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.05)
