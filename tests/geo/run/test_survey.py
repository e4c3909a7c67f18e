"""Limits of areas: every object by its own size, where it lies, whatever the raster's middle is like."""

from pathlib import Path
from typing import get_args

import geopandas
import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from sam_backend.errors import RasterError
from sam_backend.geo.merge import NestingPolicy
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.run.journal import Journal, TileReport
from sam_backend.geo.run.result_options import Drawing, ResultOptions
from sam_backend.geo.run.results import ResultSummary, write_results
from sam_backend.geo.run.run_place import RunPlace
from sam_backend.geo.run.run_settings import RunSettings
from sam_backend.geo.run.survey import check_measurable
from sam_backend.geo.tiles import PlacedMask, TileGrid

UTM = Affine(1, 0, 500_000, 0, -1, 6_000_000)
TALL = TileGrid(1024, 420_000)
MERCATOR = Affine(20, 0, 0, 0, -20, 420_000 * 20)
"""From the equator to 60 degrees north: a pixel covers 400 m2 at its foot, 100 at its head, about 230 in its middle."""


def found(left_px: int, top_px: int, mask: np.ndarray) -> Finding:
    return Finding(PlacedMask(left_px, top_px, mask), 0.9, 0.9)


def square(left_px: int, top_px: int, side_px: int, hole_px: int = 0) -> Finding:
    mask = np.ones((side_px, side_px), np.bool_)
    mask[3 : 3 + hole_px, 3 : 3 + hole_px] = False
    return found(left_px, top_px, mask)


def journal_of(
    path: Path, findings: list[Finding], grid: TileGrid, transform: Affine, epsg: int, is_prompted: bool = True
) -> Journal:
    """Of a run all of whose findings lie in the first and the last tile."""
    settings = RunSettings(
        raster="x",
        raster_state="",
        model_version="",
        read_plan={},
        tile_px=grid.tile_px,
        overlap_px=grid.overlap_px,
        automatic=None if is_prompted else {},
        prompts="x" if is_prompted else None,
    )
    journal = Journal.create(path / "run.journal", settings, RunPlace(grid, transform, CRS.from_epsg(epsg)))
    for tile in (grid.tile(0), grid.tile(len(grid) - 1)) if len(grid) > 1 else grid:
        rect = tile.rect
        inside = [one for one in findings if rect.top_px <= one.placed.top_px < rect.bottom_px]
        journal.write_tile(TileReport(tile, "done", 0.0), inside)
    return journal


@pytest.fixture
def tall(tmp_path: Path) -> Journal:
    """The same square of 20 px at the head and at the foot."""
    far_px = TALL.raster_height_px - 100
    return journal_of(tmp_path, [square(100, 100, 20), square(100, far_px, 20)], TALL, MERCATOR, 3857)


def written(journal: Journal, **options: object) -> tuple[list[float], ResultSummary]:
    path = journal.path.with_suffix(".gpkg")
    summary = write_results(journal, path, ResultOptions(**options))  # type: ignore[arg-type]
    return sorted(geopandas.read_file(path, layer="objects").area_m2.tolist()), summary


def test_an_object_goes_by_its_own_size_wherever_it_lies(tall: Journal) -> None:
    (small, large), _ = written(tall)
    assert small == pytest.approx(40_000, rel=0.05)
    assert large == pytest.approx(160_000, rel=0.05)
    for limit_m2 in (60_000, 90_000, 120_000):
        kept, summary = written(tall, min_area_m2=limit_m2)
        assert (kept, summary.n_objects, summary.n_filtered) == ([large], 1, 1)
        kept, summary = written(tall, max_area_m2=limit_m2)
        assert (kept, summary.n_objects, summary.n_filtered) == ([small], 1, 1)


def test_a_limit_that_is_an_object_s_own_size_keeps_it(tall: Journal) -> None:
    (small, large), _ = written(tall)
    assert written(tall, min_area_m2=small)[0] == [small, large]
    assert written(tall, max_area_m2=large)[0] == [small, large]


def test_a_ring_whose_hole_is_filled_goes_by_what_is_drawn(tmp_path: Path) -> None:
    ring = square(20, 20, 60, hole_px=54)
    journal = journal_of(tmp_path, [ring], TileGrid(200, 200, 200, 50), UTM, 32633)
    assert written(journal, min_area_m2=3000)[0] == []
    (area_m2,) = written(journal, min_area_m2=3000, min_hole_m2=3000)[0]
    assert area_m2 == pytest.approx(3600, rel=0.01)


def test_holes_go_by_their_own_size_too(tmp_path: Path) -> None:
    far_px = TALL.raster_height_px - 100
    findings = [square(100, 100, 20, hole_px=4), square(100, far_px, 20, hole_px=4)]
    journal = journal_of(tmp_path, findings, TALL, MERCATOR, 3857)
    written(journal, min_hole_m2=3000, simplify_px=0)  # the holes have 16 px: 1600 and 6400 m2
    objects = geopandas.read_file(journal.path.with_suffix(".gpkg"), layer="objects").sort_values("area_m2")
    assert [len(outline.geoms[0].interiors) for outline in objects.geometry] == [0, 1]


@pytest.mark.parametrize(
    ("drawing", "policy"),
    [
        *(("outlines", policy) for policy in NestingPolicy),
        *((one, NestingPolicy.FLAT) for one in get_args(Drawing)[1:]),
    ],
)
def test_what_is_left_of_an_object_is_held_against_the_limits_again(
    drawing: Drawing, policy: NestingPolicy, tmp_path: Path
) -> None:
    beneath = found(20, 20, np.ones((60, 60), np.bool_))  # two columns of it are seen beside the other
    above = found(22, 20, np.ones((60, 58), np.bool_))
    journal = journal_of(tmp_path, [beneath, above, square(120, 120, 10)], TileGrid(200, 200, 200, 50), UTM, 32633)
    areas_m2, summary = written(journal, min_area_m2=1000, nesting=policy, drawing=drawing)
    n_kept = 2 if policy is NestingPolicy.ALL else 1
    assert len(areas_m2) == n_kept
    assert min(areas_m2) > 3000
    assert summary.n_objects + summary.n_filtered == 3


def test_many_objects_are_nested_and_filtered_alike(tmp_path: Path) -> None:
    places = [(40 * column, 40 * row) for row in range(30) for column in range(30)]
    findings = [square(left + 2, top + 2, side) for left, top in places for side in (30, 8)]
    journal = journal_of(tmp_path, findings, TileGrid(1200, 1200, 1200, 50), UTM, 32633)
    areas_m2, summary = written(journal, min_area_m2=500, nesting=NestingPolicy.PARTS)
    assert (len(areas_m2), summary.n_filtered) == (900, 900)  # small ones are gone before they push out large ones
    areas_m2, summary = written(journal, max_area_m2=500, nesting=NestingPolicy.TOP_LEVEL)
    assert (len(areas_m2), summary.n_filtered) == (900, 900)


@pytest.mark.parametrize(
    "limit", [{"min_area_m2": 1.0}, {"max_area_m2": 1e9}, {"min_hole_m2": 1.0}], ids=["min", "max", "hole"]
)
def test_coordinates_that_dont_fit_the_crs_are_told_where_sizes_are_needed(
    limit: dict[str, float], tmp_path: Path
) -> None:
    journal = journal_of(tmp_path, [square(20, 20, 30)], TileGrid(200, 200, 200, 50), UTM, 4326)
    with pytest.raises(RasterError, match=r"coordinates don't fit its CRS \(EPSG:4326\): assign the CRS"):
        written(journal, **limit)
    areas_m2, summary = written(journal)
    assert (summary.n_objects, summary.n_filtered) == (1, 0)
    assert np.isnan(areas_m2).all()


@pytest.mark.parametrize("limit", [{"min_area_m2": 1.0}, {"min_hole_m2": 1.0}], ids=["area", "hole"])
def test_a_single_object_without_a_size_is_told_too(limit: dict[str, float], tmp_path: Path) -> None:
    beyond_the_pole = Affine(0.01, 0, 0, 0, 0.01, 89)
    grid = TileGrid(500, 500, 500, 50)
    journal = journal_of(tmp_path, [square(20, 20, 30), square(20, 300, 30)], grid, beyond_the_pole, 4326)
    with pytest.raises(RasterError, match="coordinates don't fit its CRS"):
        written(journal, **limit)


def test_a_raster_of_which_some_part_has_a_size_is_measurable() -> None:
    wide_degrees = Affine(1, 0, -180, 0, -1, 90)
    check_measurable(ResultOptions(min_area_m2=1), CRS.from_epsg(4326), wide_degrees, (360, 180))
    check_measurable(ResultOptions(), None, wide_degrees, (360, 180))
    with pytest.raises(RasterError, match="no CRS, or none that knows the earth"):
        check_measurable(ResultOptions(min_area_m2=1), None, wide_degrees, (360, 180))
