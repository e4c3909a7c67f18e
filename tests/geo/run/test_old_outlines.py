"""Old outlines held against what the model finds, in a drawn raster, to the written file."""

import os
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from raster_factory import MakeRaster
from rasterio import features

from sam_backend.errors import CancelledError, LayerError, OptionsError, RasterError
from sam_backend.geo.prompt_layer import PromptKind
from sam_backend.geo.run.journal import Journal
from sam_backend.geo.run.old_outlines import OldOutlines
from sam_backend.geo.run.raster_run import RasterRun
from sam_backend.geo.run.result_options import ResultOptions
from sam_backend.geo.run.results import write_results
from sam_backend.geo.run.run_events import Event, Log
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.geo.run.whole_run import RunJob, Start, complete
from sam_backend.predict.predictor import Predictor, load_sam

TRANSFORM = Affine(0.25, 0, 300_000, 0, -0.25, 5_000_000)
SIDE_PX = 512
MOVED_XY_PX = (7.0, -5.0)
BEFORE = {
    "same": shapely.box(60, 70, 130, 120),
    "moved": shapely.box(300, 80, 350, 150),
    "gone": shapely.box(80, 300, 150, 350),
    "unseen": shapely.box(900, 900, 950, 950),
}
NOW = [BEFORE["same"], shapely.affinity.translate(BEFORE["moved"], *MOVED_XY_PX)]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    shapes = shapely.transform(
        list(BEFORE.values()),
        lambda xy: np.stack([TRANSFORM.c + TRANSFORM.a * xy[:, 0], TRANSFORM.f + TRANSFORM.e * xy[:, 1]], axis=1),
    )
    path = tmp_path / "old.gpkg"
    geopandas.GeoDataFrame({"was": list(BEFORE)}, geometry=shapes, crs="EPSG:32636").to_file(path)
    return path


@pytest.fixture
def raster(make_raster: MakeRaster) -> Path:
    ground = np.random.default_rng(0).normal(90, 8, (3, SIDE_PX, SIDE_PX))
    ground[:, features.rasterize(NOW, out_shape=(SIDE_PX, SIDE_PX)) > 0] += 120
    return make_raster(ground.clip(0, 255).astype(np.uint8), transform=TRANSFORM)


def journal_of(raster: Path, predictor: Predictor, prompts: Path, kind: PromptKind | None = None) -> Journal:
    journal = raster.with_suffix(".journal")
    run = RasterRun.begin(
        RunRequest(raster=raster, journal=journal, tile_px=SIDE_PX, prompts=prompts, prompt_kind=kind), predictor
    )
    assert run.run().failed == ()
    return run.journal


def rows(path: Path) -> geopandas.GeoDataFrame:
    return geopandas.read_file(path, layer="objects").set_index("prompt_was")


def test_each_old_outline_is_told_what_became_of_it(raster: Path, old: Path, tmp_path: Path) -> None:
    journal = journal_of(raster, load_sam("embedded", device="cpu"), old)
    summary = write_results(journal, tmp_path / "out.gpkg", ResultOptions(compares=True))
    found, was = rows(tmp_path / "out.gpkg"), geopandas.read_file(old).set_index("was")
    assert found.change.to_dict() == {"same": "unchanged", "moved": "moved", "gone": "gone"}
    assert summary.n_objects == 3
    assert found.iou_to_old["same"] > 0.75
    shift_xy = found.loc["moved", ["shift_east", "shift_north"]].astype(float)
    wanted_xy = (MOVED_XY_PX[0] * TRANSFORM.a, MOVED_XY_PX[1] * TRANSFORM.e)
    assert np.hypot(*(shift_xy - wanted_xy)) < 3 * TRANSFORM.a
    assert np.hypot(*found.loc["same", ["shift_east", "shift_north"]].astype(float)) < 2 * TRANSFORM.a
    assert found.geometry["gone"].equals(was.geometry["gone"])  # its old place, not the bad answer's
    assert np.isnan(found.shift_east["gone"])


def test_an_outline_whose_answer_is_filtered_out_is_gone(
    raster: Path, old: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    journal = journal_of(raster, tiny_predictor, old)
    write_results(journal, tmp_path / "out.fgb", ResultOptions(compares=True, min_score=1e9))
    found = geopandas.read_file(tmp_path / "out.fgb")
    assert set(found.prompt_was) == {"same", "moved", "gone"}
    assert set(found.change) == {"gone"}
    assert found.score.isna().all()
    assert (found.iou_to_old == 0).all()
    assert found.area_m2.min() > 0
    write_results(journal, tmp_path / "plain.fgb", ResultOptions())
    assert "change" not in geopandas.read_file(tmp_path / "plain.fgb").columns


def test_outlines_of_tiles_that_nobody_saw_arent_gone(raster: Path, old: Path, tiny_predictor: Predictor) -> None:
    run = RasterRun.begin(
        RunRequest(raster=raster, journal=raster.with_suffix(".journal"), tile_px=SIDE_PX, prompts=old), tiny_predictor
    )
    run.run(is_cancelled=lambda: True)
    assert not OldOutlines.of(run.journal).prompts


def test_an_outline_outside_the_area_isnt_looked_at_and_isnt_gone(
    raster: Path, old: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    was = geopandas.read_file(old)
    was[was.was != "moved"].to_file(tmp_path / "area.gpkg")
    asked = RunRequest(
        raster=raster,
        journal=raster.with_suffix(".journal"),
        tile_px=SIDE_PX,
        prompts=old,
        area_of_interest=tmp_path / "area.gpkg",
    )
    run = RasterRun.begin(asked, tiny_predictor)
    run.run()
    write_results(run.journal, tmp_path / "out.gpkg", ResultOptions(compares=True))
    assert set(rows(tmp_path / "out.gpkg").index) == {"same", "gone"}


def test_only_outlines_that_are_still_there_can_be_compared(
    raster: Path, old: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    boxes = journal_of(raster, tiny_predictor, old, PromptKind.BOXES)
    with pytest.raises(OptionsError, match="give them as prompts of polygons"):
        write_results(boxes, tmp_path / "out.gpkg", ResultOptions(compares=True))
    outlines = journal_of(raster, tiny_predictor, old, PromptKind.POLYGONS)
    write_results(outlines, tmp_path / "out.gpkg", ResultOptions(compares=True))
    os.utime(old, (1, 1))
    with pytest.raises(LayerError, match="were changed or moved since the run began"):
        write_results(outlines, tmp_path / "out.gpkg", ResultOptions(compares=True))
    old.unlink()
    with pytest.raises(LayerError, match="were changed or moved since the run began"):
        write_results(outlines, tmp_path / "out.gpkg", ResultOptions(compares=True))


def test_a_layer_that_lies_off_as_a_whole_is_asked_for_where_it_belongs(
    make_raster: MakeRaster, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    chance = np.random.default_rng(3)
    corners = [(30 + 95 * column, 30 + 95 * row) for row in range(5) for column in range(5)]
    houses = [shapely.box(x, y, x + chance.integers(25, 45), y + chance.integers(20, 40)) for x, y in corners]
    ground = chance.normal(90, 8, (3, SIDE_PX, SIDE_PX))
    ground[:, features.rasterize(houses, out_shape=(SIDE_PX, SIDE_PX)) > 0] += 90
    raster = make_raster(ground.clip(0, 255).astype(np.uint8), transform=TRANSFORM)
    on_map = shapely.transform(
        [shapely.affinity.translate(house, 9, -6) for house in houses],
        lambda xy: np.stack([TRANSFORM.c + TRANSFORM.a * xy[:, 0], TRANSFORM.f + TRANSFORM.e * xy[:, 1]], axis=1),
    )
    geopandas.GeoDataFrame(geometry=on_map, crs="EPSG:32636").to_file(tmp_path / "off.gpkg")
    said: list[Event] = []
    job = RunJob(
        request=RunRequest(
            raster=raster, journal=tmp_path / "run.journal", tile_px=SIDE_PX, prompts=tmp_path / "off.gpkg"
        ),
        output=tmp_path / "out.gpkg",
        results=ResultOptions(compares=True),
    )

    outcome = complete(job, tiny_predictor, said.append, lambda: False)

    assert outcome.layer_shift is not None
    assert (outcome.layer_shift["right_px"], outcome.layer_shift["down_px"]) == pytest.approx((-9, 6), abs=1)
    assert (outcome.layer_shift["east"], outcome.layer_shift["north"]) == pytest.approx((-2.25, -1.5), abs=0.25)
    assert any("the layer lies off" in event.message for event in said if isinstance(event, Log))
    again: list[Event] = []
    complete(job, tiny_predictor, again.append, lambda: False)
    assert any("1 done before" in event.message for event in again if isinstance(event, Log))
    found = geopandas.read_file(tmp_path / "out.gpkg", layer="objects")
    assert len(found) == len(houses)
    assert "unchanged" not in set(found.change)


def test_going_on_looks_for_the_layer_as_the_run_began_to(
    raster: Path, old: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    many = geopandas.read_file(old)
    geopandas.GeoDataFrame(geometry=[*many.geometry[:2]] * 10, crs=many.crs).to_file(old)
    asked = RunRequest(
        raster=raster, journal=tmp_path / "run.journal", tile_px=SIDE_PX, prompts=old, ground_size_factor=0.5
    )
    job = RunJob(request=asked, output=tmp_path / "out.gpkg", results=ResultOptions(compares=True), start=Start.NEW)
    first = complete(job, tiny_predictor, lambda _: None, lambda: False)
    again = replace(job, start=Start.RESUME, request=replace(asked, ground_size_factor=None))
    assert complete(again, tiny_predictor, lambda _: None, lambda: False).layer_shift == first.layer_shift
    other = replace(job, start=Start.RESUME, request=replace(asked, ground_size_factor=2.0))
    with pytest.raises(RasterError, match="another ground size factor"):
        complete(other, tiny_predictor, lambda _: None, lambda: False)


def test_looking_for_the_layer_can_be_stopped(
    raster: Path, old: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    job = RunJob(
        request=RunRequest(raster=raster, journal=tmp_path / "run.journal", tile_px=SIDE_PX, prompts=old),
        output=tmp_path / "out.gpkg",
        results=ResultOptions(compares=True),
    )
    many = geopandas.read_file(old)
    geopandas.GeoDataFrame(geometry=[many.geometry[0]] * 20, crs=many.crs).to_file(old)
    with pytest.raises(CancelledError):
        complete(job, tiny_predictor, lambda _: None, lambda: True)
    assert not job.request.journal.exists()
