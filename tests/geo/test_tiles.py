"""The grid of tiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.errors import RasterError
from sam_backend.geo.tiles import PixelRect, TileGrid

grids = st.builds(
    TileGrid,
    raster_width_px=st.integers(1, 300),
    raster_height_px=st.integers(1, 300),
    tile_px=st.integers(40, 64),
    overlap_px=st.integers(0, 39),
)


@given(grids)
def test_tiles_cover_every_pixel_and_stay_inside(grid: TileGrid) -> None:
    seen = np.zeros((grid.raster_height_px, grid.raster_width_px), int)
    for tile in grid:
        assert tile.rect.left_px >= 0
        assert tile.rect.right_px <= grid.raster_width_px
        seen[tile.rect.top_px : tile.rect.bottom_px, tile.rect.left_px : tile.rect.right_px] += 1
    assert (seen > 0).all()


@given(grids)
def test_every_tile_is_whole_where_the_raster_is_large_enough(grid: TileGrid) -> None:
    for tile in grid:
        assert tile.rect.width_px == min(grid.tile_px, grid.raster_width_px)
        assert tile.rect.height_px == min(grid.tile_px, grid.raster_height_px)


@given(grids)
def test_tiles_side_by_side_share_at_least_the_overlap(grid: TileGrid) -> None:
    for tile in grid:
        for other in grid.neighbours(tile):
            shared = tile.rect.intersection(other.rect)
            if other.row == tile.row:
                assert shared.width_px >= grid.overlap_px
            if other.column == tile.column:
                assert shared.height_px >= grid.overlap_px


@given(grids)
def test_neighbours_know_each_other(grid: TileGrid) -> None:
    tiles = list(grid)
    assert [tile.index for tile in tiles] == list(range(len(grid)))
    for tile in tiles:
        assert all(tile in grid.neighbours(other) for other in grid.neighbours(tile))


def test_the_last_tile_is_moved_back_to_the_edge() -> None:
    grid = TileGrid(raster_width_px=3072, raster_height_px=1500)
    assert (grid.n_columns, grid.n_rows) == (4, 2)
    assert grid.tile(3).rect == PixelRect(2048, 0, 3072, 1024)
    assert grid.tile(4).rect == PixelRect(0, 476, 1024, 1500)


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_a_raster_without_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(RasterError, match="nothing to tile"):
        TileGrid(*size)


@pytest.mark.parametrize("overlap_px", [-1, 64])
def test_an_overlap_as_large_as_the_tile_is_refused(overlap_px: int) -> None:
    with pytest.raises(RasterError, match="can't overlap"):
        TileGrid(100, 100, tile_px=64, overlap_px=overlap_px)


def test_a_tile_outside_the_grid_is_refused() -> None:
    with pytest.raises(RasterError, match="tiles 0 to 3"):
        TileGrid(100, 100, tile_px=64, overlap_px=8).tile(4)
