"""Whole runs with a tiny real model: from a raster to a map file."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from raster_factory import UTM_TRANSFORM, MakeRaster
from scipy import ndimage

from sam_backend.errors import LayerError, OptionsError, RasterError, StorageError
from sam_backend.geo.merge import NestingPolicy
from sam_backend.geo.prompt_layer import PromptKind
from sam_backend.geo.run.journal import Journal
from sam_backend.geo.run.raster_run import RasterRun
from sam_backend.geo.run.result_options import ResultOptions
from sam_backend.geo.run.results import write_results
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.geo.run.whole_run import RunJob, Start, complete
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.predictor import Predictor

EVERYTHING = AutomaticOptions(points_per_side=3, pred_iou_thresh=0.0, stability_score_thresh=0.0)
HEIGHT_PX, WIDTH_PX = 150, 200


@pytest.fixture
def raster(make_raster: MakeRaster) -> Path:
    noise = np.random.default_rng(0).normal(size=(3, HEIGHT_PX, WIDTH_PX))
    smooth = ndimage.gaussian_filter(noise, (0, 6, 6))
    return make_raster(np.clip(128 + 400 * smooth, 0, 255).astype(np.uint8))


def request(raster: Path, **changes: object) -> RunRequest:
    asked = {"journal": raster.with_suffix(".journal"), "tile_px": 64, "overlap_px": 16, "automatic": EVERYTHING}
    return RunRequest(raster=raster, **(asked | changes))  # type: ignore[arg-type]


@pytest.fixture
def run(raster: Path, tiny_predictor: Predictor) -> RasterRun:
    return RasterRun.begin(request(raster), tiny_predictor)


@pytest.fixture
def journal(run: RasterRun) -> Journal:
    run.run()
    return run.journal


def layer(path: Path, name: str = "objects") -> geopandas.GeoDataFrame:
    return geopandas.read_file(path, layer=name)


def map_box(left_px: float, top_px: float, right_px: float, bottom_px: float) -> shapely.Polygon:
    corners = [UTM_TRANSFORM @ (x, y) for x, y in ((left_px, top_px), (right_px, bottom_px))]
    return shapely.box(*corners[0], *corners[1])


def test_a_run_ends_in_polygons_that_lie_on_the_raster(run: RasterRun, tmp_path: Path) -> None:
    summary = run.run()
    assert (summary.state, summary.n_done, summary.failed) == ("complete", len(run.tiles), ())
    run.heal()
    told = write_results(run.journal, tmp_path / "out.gpkg", ResultOptions())
    objects = layer(tmp_path / "out.gpkg")
    assert len(objects) == told.n_objects > 5
    assert objects.crs.to_epsg() == 32636
    assert objects.geometry.within(map_box(0, 0, WIDTH_PX, HEIGHT_PX).buffer(1e-6)).all()
    assert objects.geometry.is_valid.all()
    np.testing.assert_allclose(objects.area_m2, objects.geometry.area, rtol=0.01)
    assert list(layer(tmp_path / "out.gpkg", "tiles").status.unique()) == ["done"]


def test_filters_need_no_model_and_count_what_they_drop(journal: Journal, tmp_path: Path) -> None:
    everything = write_results(journal, tmp_path / "all.gpkg", ResultOptions(simplify_px=0))
    area_m2 = float(layer(tmp_path / "all.gpkg").area_m2.median())
    large = write_results(journal, tmp_path / "large.gpkg", ResultOptions(min_area_m2=area_m2, simplify_px=0))
    assert 0 < large.n_objects < everything.n_objects
    assert large.n_objects + large.n_filtered == everything.n_objects + everything.n_filtered
    assert layer(tmp_path / "large.gpkg").area_m2.min() > 0.8 * area_m2


def test_flat_objects_share_borders_and_never_overlap(journal: Journal, tmp_path: Path) -> None:
    options = ResultOptions(nesting=NestingPolicy.FLAT, drawing="coverage", keeps_pieces=True)
    write_results(journal, tmp_path / "flat.gpkg", options)
    outlines = layer(tmp_path / "flat.gpkg").geometry
    assert shapely.coverage_is_valid(outlines.explode().to_numpy())


def test_every_format_says_the_same(journal: Journal, tmp_path: Path) -> None:
    written = {
        ending: write_results(journal, tmp_path / f"out.{ending}", ResultOptions()).n_objects
        for ending in ("gpkg", "fgb", "geojson", "parquet")
    }
    read = {
        "gpkg": layer(tmp_path / "out.gpkg"),
        "fgb": geopandas.read_file(tmp_path / "out.fgb"),
        "geojson": geopandas.read_file(tmp_path / "out.geojson"),
        "parquet": geopandas.read_parquet(tmp_path / "out.parquet"),
    }
    assert written == {ending: len(objects) for ending, objects in read.items()}
    assert geopandas.read_file(tmp_path / "out.geojson").crs.to_epsg() == 4326


def test_boxes_of_a_layer_ask_for_one_object_each(raster: Path, tiny_predictor: Predictor, tmp_path: Path) -> None:
    boxes = [map_box(10, 10, 40, 30), map_box(60, 60, 100, 90), map_box(500, 500, 520, 520)]
    asked = geopandas.GeoDataFrame({"name": ["a", "b", "far"], "n": [1, 2, 3]}, geometry=boxes, crs="EPSG:32636")
    asked.to_file(tmp_path / "boxes.gpkg")
    run = RasterRun.begin(
        request(raster, prompts=tmp_path / "boxes.gpkg", prompt_kind=PromptKind.BOXES), tiny_predictor
    )
    run.run()
    write_results(run.journal, tmp_path / "out.gpkg", ResultOptions())
    objects = layer(tmp_path / "out.gpkg")
    assert set(objects.prompt_name) <= {"a", "b"}
    assert len(objects) == objects.prompt_id.nunique()
    skipped = {one.attributes["name"]: one.why_skipped for one in run.journal.prompts()}
    assert skipped["a"] is None
    assert "outside" in str(skipped["far"])


def test_points_and_outlines_are_told_apart(raster: Path, tiny_predictor: Predictor, tmp_path: Path) -> None:
    centre = map_box(60, 60, 100, 90)
    for name, shape in (("points", centre.centroid), ("outlines", centre)):
        path = tmp_path / f"{name}.gpkg"
        geopandas.GeoDataFrame(geometry=[shape], crs="EPSG:32636").to_file(path)
        run = RasterRun.begin(request(raster, prompts=path, journal=tmp_path / name), tiny_predictor)
        assert run.run().failed == ()
        assert len(run.journal.prompts()) == 1


def test_prompts_that_lie_elsewhere_are_one_clear_error(
    raster: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    asked = geopandas.GeoDataFrame(geometry=[map_box(900, 900, 950, 950)], crs="EPSG:32636")
    asked.to_file(tmp_path / "far.gpkg")
    with pytest.raises(RasterError, match=r"no prompt of far\.gpkg can be answered .*outside the raster"):
        RasterRun.begin(request(raster, prompts=tmp_path / "far.gpkg"), tiny_predictor)
    with pytest.raises(LayerError, match="can't be read"):
        RasterRun.begin(request(raster, prompts=raster), tiny_predictor)


def test_an_area_of_interest_leaves_tiles_out(raster: Path, tiny_predictor: Predictor, tmp_path: Path) -> None:
    area = geopandas.GeoDataFrame(geometry=[map_box(0, 0, 40, 40)], crs="EPSG:32636")
    area.to_file(tmp_path / "area.gpkg")
    run = RasterRun.begin(request(raster, area_of_interest=tmp_path / "area.gpkg"), tiny_predictor)
    assert [tile.index for tile in run.tiles] == [0]


@pytest.mark.parametrize("kind", PromptKind)
def test_only_prompts_that_meet_the_area_are_answered(
    kind: PromptKind, raster: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    boxes = [map_box(10, 10, 40, 30), map_box(70, 70, 100, 90), map_box(150, 100, 180, 120)]
    shapes = [box.centroid if kind is PromptKind.POINTS else box for box in boxes]
    geopandas.GeoDataFrame({"name": ["in", "out", "partly"]}, geometry=shapes, crs="EPSG:32636").to_file(
        tmp_path / "asked.gpkg"
    )
    area = geopandas.GeoDataFrame(geometry=[map_box(0, 0, 50, 50), map_box(160, 105, 200, 150)], crs="EPSG:32636")
    area.to_crs("EPSG:4326").to_file(tmp_path / "area.gpkg")
    asked = request(
        raster,
        prompts=tmp_path / "asked.gpkg",
        prompt_kind=kind,
        tile_px=256,  # all of them in one tile
        area_of_interest=tmp_path / "area.gpkg",
    )
    run = RasterRun.begin(asked, tiny_predictor)
    assert {one.attributes["name"]: one.why_skipped for one in run.journal.prompts()} == {
        "in": None,
        "out": "it lies outside the area of interest",
        "partly": None,
    }
    run.run()
    answered = {finding.feature_id for finding in run.journal.findings(0)}
    assert answered <= {one.feature_id for one in run.journal.prompts() if one.why_skipped is None}


def test_results_that_cant_be_written_are_told_before_the_model_works(
    raster: Path, tiny_predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"f{number}" for number in range(2100)]  # SQLite has 2000 columns at most
    feature = {
        "type": "Feature",
        "properties": dict.fromkeys(names, 1),
        "geometry": shapely.geometry.mapping(map_box(10, 10, 40, 30)),
    }
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32636"}}
    asked = tmp_path / "wide.geojson"
    asked.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]}))
    job = RunJob(
        request=request(raster, prompts=asked), output=tmp_path / "out.gpkg", results=ResultOptions(), start=Start.NEW
    )
    monkeypatch.setattr(RasterRun, "run", lambda *_: pytest.fail("the model worked"))
    with pytest.raises(StorageError, match=r"out\.gpkg can't be written"):
        complete(job, tiny_predictor, lambda _: None, lambda: False)
    assert not list(tmp_path.glob(".out*"))


def test_going_on_needs_the_same_request(raster: Path, run: RasterRun, tiny_predictor: Predictor) -> None:
    assert RasterRun.resume(request(raster), tiny_predictor).run().state == "complete"
    with pytest.raises(RasterError, match="another overlap px"):
        RasterRun.resume(request(raster, overlap_px=8), tiny_predictor)
    with pytest.raises(RasterError, match="there is no run's journal"):
        RasterRun.resume(request(raster, journal=raster.with_suffix(".none")), tiny_predictor)


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"bands": (2, 1, 3)}, r"another bands \(\[1, 2, 3\]\) than asked for \(\[2, 1, 3\]\)"),
        ({"stretch_percent": (0.0, 50.0)}, "another stretch"),
        ({"ground_size_factor": 2.0}, r"another ground size factor \(0.5\) than asked for \(2.0\)"),
        ({"bands": (1, 2, 3), "stretch_percent": (1.0, 99.0), "ground_size_factor": 0.5}, None),
        ({}, None),
    ],
    ids=["bands", "stretch", "ground size", "the same", "nothing told"],
)
def test_going_on_reads_as_told_or_not_at_all(
    make_raster: MakeRaster, tiny_predictor: Predictor, told: dict[str, Any], named: str | None
) -> None:
    raster = make_raster(np.random.default_rng(0).integers(0, 9000, (3, 64, 64)).astype(np.uint16))
    RasterRun.begin(request(raster, stretch_percent=(1.0, 99.0), ground_size_factor=0.5), tiny_predictor)
    with contextlib.nullcontext() if named is None else pytest.raises(RasterError, match=named):
        RasterRun.resume(request(raster, **told), tiny_predictor)


def test_areas_without_a_crs_are_refused(make_raster: MakeRaster, tiny_predictor: Predictor, tmp_path: Path) -> None:
    nowhere = make_raster(np.full((3, 70, 70), 99, np.uint8), crs=None)
    run = RasterRun.begin(request(nowhere), tiny_predictor)
    run.run()
    write_results(run.journal, tmp_path / "out.gpkg", ResultOptions())
    with pytest.raises(RasterError, match="no CRS, or none that knows the earth"):
        write_results(run.journal, tmp_path / "out.gpkg", ResultOptions(min_area_m2=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_score": -0.1}, "min_score is -0.1: give 0 or more"),
        ({"simplify_px": float("nan")}, "simplify_px is nan"),
        ({"min_area_m2": 5.0, "max_area_m2": 5.0}, "leave nothing"),
        ({"drawing": "coverage"}, "nesting policy flat"),
    ],
    ids=["negative", "nan", "empty range", "coverage of nested"],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        ResultOptions(**options)  # type: ignore[arg-type]


def test_a_run_killed_at_any_moment_comes_to_the_same(raster: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    program = [sys.executable, Path(__file__).with_name("killed_runs.py"), raster, tiny_checkpoint, tmp_path, "20"]
    done = subprocess.run(
        [*map(str, program)], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": os.getcwd()}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    n_killed = int(done.stdout.split()[0])
    assert n_killed >= 10
