"""Thresholds, and the geometry of a grid's cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.errors import OptionsError
from sam_backend.geo.merge import MergeRules
from sam_backend.geo.merge.cells import Cells, CutEdges
from sam_backend.geo.tiles import PixelRect, TileGrid

grids = st.builds(
    TileGrid,
    raster_width_px=st.integers(1, 200),
    raster_height_px=st.integers(1, 200),
    tile_px=st.integers(30, 50),
    overlap_px=st.integers(0, 29),
)


@pytest.mark.parametrize("field", ["match_iou", "seam_iou", "sliver_share", "leftover_coverage"])
@pytest.mark.parametrize("value", [0.0, -0.1, 1.1])
def test_a_share_outside_its_range_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(OptionsError, match=field):
        MergeRules(**{field: value})  # type: ignore[arg-type]


def test_a_negative_distance_to_the_edge_is_refused() -> None:
    with pytest.raises(OptionsError, match="edge_px is -1"):
        MergeRules(edge_px=-1)


@given(grids)
def test_cells_cover_every_pixel_once_and_lie_in_their_tiles(grid: TileGrid) -> None:
    cells = Cells(grid)
    seen = np.zeros((grid.raster_height_px, grid.raster_width_px), int)
    for tile in grid:
        cell = cells.cell(tile)
        assert cell.intersection(tile.rect) == cell
        seen[cell.top_px : cell.bottom_px, cell.left_px : cell.right_px] += 1
    assert (seen == 1).all()


@given(grids)
def test_tiles_touch_exactly_those_they_overlap_or_meet(grid: TileGrid) -> None:
    cells = Cells(grid)
    for tile in grid:
        grown = PixelRect(tile.rect.left_px - 1, tile.rect.top_px - 1, tile.rect.right_px + 1, tile.rect.bottom_px + 1)
        near = [one.index for one in grid if not one.rect.intersection(grown).is_empty and one.index != tile.index]
        assert [other.index for other in cells.touching(tile)] == near


@given(grids, st.data())
def test_the_tiles_over_a_rectangle_are_those_that_share_a_pixel_with_it(grid: TileGrid, data: st.DataObject) -> None:
    left = data.draw(st.integers(0, grid.raster_width_px - 1))
    top = data.draw(st.integers(0, grid.raster_height_px - 1))
    right = data.draw(st.integers(left + 1, grid.raster_width_px))
    bottom = data.draw(st.integers(top + 1, grid.raster_height_px))
    rect = PixelRect(left, top, right, bottom)
    wanted = [tile.index for tile in grid if not tile.rect.intersection(rect).is_empty]
    assert Cells(grid).over(rect) == wanted


GRID = TileGrid(180, 180, 100, 20)  # 2 x 2 tiles, the inner edges at 80 and 100


@pytest.mark.parametrize(
    ("rect", "wanted"),
    [
        pytest.param(PixelRect(0, 0, 98, 98), CutEdges(False, False, False, False), id="two pixels away"),
        pytest.param(PixelRect(0, 0, 99, 98), CutEdges(False, False, True, False), id="one pixel away"),
        pytest.param(PixelRect(0, 0, 100, 100), CutEdges(False, False, True, True), id="in the corner"),
    ],
)
def test_only_edges_inside_the_raster_cut(rect: PixelRect, wanted: CutEdges) -> None:
    assert Cells(GRID).cuts(rect, GRID.tile(0), 1) == wanted


@pytest.mark.parametrize(
    ("tile_index", "rect", "is_sliver"),
    [
        pytest.param(0, PixelRect(90, 40, 100, 60), True, id="right"),
        pytest.param(0, PixelRect(89, 40, 100, 60), False, id="a pixel too far in"),
        pytest.param(0, PixelRect(40, 90, 60, 100), True, id="bottom"),
        pytest.param(3, PixelRect(80, 120, 90, 140), True, id="left"),
        pytest.param(3, PixelRect(120, 80, 140, 90), True, id="top"),
        pytest.param(0, PixelRect(90, 40, 98, 60), False, id="not cut"),
        pytest.param(0, PixelRect(0, 40, 8, 60), False, id="at the raster's edge"),
    ],
)
def test_a_sliver_is_cut_and_lies_in_the_outer_half_of_the_overlap(
    tile_index: int, rect: PixelRect, is_sliver: bool
) -> None:
    cells, tile = Cells(GRID), GRID.tile(tile_index)
    assert cells.is_sliver(rect, tile, cells.cuts(rect, tile, 1), 0.5) is is_sliver
