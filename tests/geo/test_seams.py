import pytest
import shapely
from affine import Affine

from sam_backend.geo.qa_layer import TileStatus, cut_feature, tile_feature
from sam_backend.geo.seams import SeamLength, SeamLines
from sam_backend.geo.tiles import TileGrid

GRID = TileGrid(raster_width_px=200, raster_height_px=100, tile_px=100, overlap_px=20)
"""Columns 0-100, 80-180 and 100-200, one row: lines at x = 80, 90, 100, 140 and 180."""

TRANSFORM = Affine(0.5, 0, 1000, 0, -0.5, 2000)


@pytest.mark.parametrize(
    ("outline", "on_grid_px"),
    [
        (shapely.box(20, 20, 80, 50), 30),
        (shapely.box(20, 20, 90, 50), 30),
        (shapely.box(80, 20, 100, 50), 60),
        (shapely.box(20, 20, 70, 50), 0),
        (shapely.box(0, 0, 200, 100), 0),
        (shapely.box(70, 20, 110, 50) - shapely.box(75, 30, 80, 40), 10),
        (shapely.Polygon([(79, 20), (81, 20), (60, 50)]), 0),
    ],
    ids=["tile edge", "middle of an overlap", "two edges", "between", "raster edge", "hole", "across"],
)
def test_the_length_on_the_grid_is_found(outline: shapely.Polygon, on_grid_px: float) -> None:
    found = SeamLines(GRID).length([outline])
    assert found.on_grid_px == on_grid_px
    assert found.total_px == pytest.approx(outline.length)
    assert SeamLines(GRID).on_lines(outline).length == on_grid_px


def test_lengths_add_up_over_batches() -> None:
    lines = SeamLines(GRID)
    outlines = [shapely.box(20, 20, 80, 50), shapely.box(20, 20, 70, 50)]
    assert lines.length(outlines) == lines.length(outlines[:1]) + lines.length(outlines[1:])
    assert lines.length(outlines).share == pytest.approx(30 / 340)
    assert SeamLength().share == 0


def test_one_tile_has_no_seams() -> None:
    lines = SeamLines(TileGrid(50, 50))
    assert lines.length([shapely.box(0, 0, 50, 50)]).share == 0
    assert lines.on_lines(shapely.box(0, 0, 50, 50)).is_empty


def test_rows_have_seams_too() -> None:
    lines = SeamLines(TileGrid(raster_width_px=100, raster_height_px=180, tile_px=100, overlap_px=20))
    assert lines.length([shapely.box(20, 90, 50, 95)]).on_grid_px == 30


def test_a_cut_is_a_feature_where_it_lies() -> None:
    cut = SeamLines(GRID).on_lines(shapely.box(20, 20, 80, 50))
    feature = cut_feature(7, cut, TRANSFORM)
    assert feature.geometry.equals(shapely.MultiLineString([[(1040, 1990), (1040, 1975)]]))
    assert feature.properties == {"object_id": 7, "length_px": 30}


def test_a_tile_is_a_feature_with_its_fate() -> None:
    feature = tile_feature(GRID.tile(1), TRANSFORM, TileStatus.FAILED, seconds=1.5, message="no memory")
    assert feature.geometry.equals(shapely.box(1040, 1950, 1090, 2000))
    assert feature.properties["status"] == "failed"
    assert (feature.properties["column"], feature.properties["seconds"], feature.properties["objects"]) == (
        1,
        1.5,
        None,
    )
