import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.errors import DatasetError
from sam_backend.geo.tiles import PixelRect, Tile
from sam_backend.training.data.tiling import RasterPart, Tiling

sizes_hw = st.tuples(st.integers(1, 40), st.integers(1, 40))


def count(tiles: list[Tile], raster_hw: tuple[int, int]) -> np.ndarray:
    """How many tiles show each pixel."""
    times = np.zeros(raster_hw, int)
    for tile in tiles:
        rect = tile.rect
        times[rect.top_px : rect.bottom_px, rect.left_px : rect.right_px] += 1
    return times


@given(raster_hw=sizes_hw, tile_px=st.integers(1, 30), data=st.data())
def test_tiles_cover_the_raster_and_overlap_as_asked(
    raster_hw: tuple[int, int], tile_px: int, data: st.DataObject
) -> None:
    overlap_px = data.draw(st.integers(0, tile_px - 1))
    tiles = list(Tiling(tile_px, overlap_px).tiles(raster_hw))
    assert (count(tiles, raster_hw) >= 1).all()
    at: dict[tuple[int, int], PixelRect] = {(tile.row, tile.column): tile.rect for tile in tiles}
    for (row, column), rect in at.items():
        assert (rect.height_px, rect.width_px) == tuple(np.minimum(tile_px, raster_hw))
        if (row, column + 1) in at:
            assert at[row, column + 1].left_px <= rect.right_px - overlap_px
        if (row + 1, column) in at:
            assert at[row + 1, column].top_px <= rect.bottom_px - overlap_px


@given(raster_hw=sizes_hw, border=st.floats(0.1, 0.9))
def test_parts_that_meet_share_no_pixel_and_leave_none_out(raster_hw: tuple[int, int], border: float) -> None:
    times = np.zeros(raster_hw, int)
    for part in (RasterPart(right=border), RasterPart(left=border)):
        try:
            times += np.minimum(1, count(list(Tiling(9, 2, part).tiles(raster_hw)), raster_hw))
        except DatasetError:
            assert min(border, 1 - border) * raster_hw[1] <= 0.5
    assert (times == 1).all() or raster_hw[1] == 1 or 0 in times[0]


def test_the_last_tile_moves_back_into_the_raster() -> None:
    tiles = list(Tiling(10, 2).tiles((10, 25)))
    assert [(tile.row, tile.column, tile.rect.left_px) for tile in tiles] == [(0, 0, 0), (0, 1, 8), (0, 2, 15)]


def test_a_raster_of_exactly_one_tile_gives_one() -> None:
    assert len(list(Tiling(10, 2).tiles((10, 10)))) == 1


@pytest.mark.parametrize(
    "corners",
    [(0.5, 0, 0.5, 1), (0.6, 0, 0.5, 1), (0, 0, 1, 1.1), (-0.1, 0, 1, 1), (0, float("nan"), 1, 1), (0, 0.5, 1, 0.2)],
)
def test_a_part_without_area_or_outside_is_an_error(corners: tuple[float, float, float, float]) -> None:
    with pytest.raises(DatasetError, match=r"give left,top,right,bottom from 0 to 1"):
        RasterPart(*corners)


def test_a_part_without_a_pixel_is_an_error() -> None:
    with pytest.raises(DatasetError, match="of a raster of 10 x 10 px has no pixel"):
        RasterPart(right=0.01).rect((10, 10))


@pytest.mark.parametrize(("tile_px", "overlap_px"), [(0, 0), (10, 10), (10, -1)])
def test_tiles_that_do_not_move_on_are_an_error(tile_px: int, overlap_px: int) -> None:
    with pytest.raises(DatasetError, match=rf"tiles of {tile_px} px that overlap by {overlap_px} px"):
        Tiling(tile_px, overlap_px)
