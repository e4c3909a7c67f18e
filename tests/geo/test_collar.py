import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raster_factory import MakeRaster
from rasterio.io import MemoryFile
from scipy import ndimage

from sam_backend.geo.collar import Collar
from sam_backend.geo.collar_flood import find_collar
from sam_backend.geo.read_plan import ReadPlan, plan_reading
from sam_backend.geo.source import Source
from sam_backend.geo.tiled_raster import TiledRaster, read_raster
from sam_backend.geo.tiles import PixelRect

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


def joined_to_the_border(is_value: np.ndarray) -> np.ndarray:
    """The oracle: the whole raster labelled at once."""
    labels = ndimage.label(np.pad(is_value, 1, constant_values=True))[0]
    return (labels == labels[0, 0])[1:-1, 1:-1]


@given(
    hw=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    share=st.floats(0.0, 1.0),
    cell_px=st.integers(3, 17),
    seed=st.integers(0, 1000),
)
def test_it_is_what_one_look_at_the_whole_raster_finds(
    hw: tuple[int, int], share: float, cell_px: int, seed: int
) -> None:
    bands = (np.random.default_rng(seed).random((1, *hw)) > share).astype(np.uint8) * 9
    wanted = joined_to_the_border(bands[0] == 0)
    with MemoryFile() as file:
        with file.open(driver="GTiff", height=hw[0], width=hw[1], count=1, dtype="uint8") as raster:
            raster.write(bands)
        with file.open() as raster:
            source = Source(raster, (1,))
            collar = find_collar(source, 0, cell_px, min_run_px=1)
            if collar is None:
                assert not wanted.any()
                return
            kept = Collar.from_json(json.loads(json.dumps(collar.to_json())))
            assert kept == collar
            np.testing.assert_array_equal(kept.covers(source.rect, source), wanted)
            part = PixelRect(hw[1] // 3, hw[0] // 4, hw[1], hw[0])
            np.testing.assert_array_equal(kept.covers(part, source), wanted[hw[0] // 4 :, hw[1] // 3 :])


@pytest.fixture
def turned_photo() -> np.ndarray:
    """Noise, with black wedges in two corners, a black roof and a white one, and white at the right."""
    bands = np.random.default_rng(0).integers(1, 255, (3, 700, 900), np.uint8)
    rows, columns = np.mgrid[:700, :900]
    bands[:, rows + columns < 600] = 0
    bands[:, rows + columns > 1400] = 0
    bands[:, 400:440, 500:560] = 0
    bands[:, 300:340, 600:660] = 255
    bands[:, :200, 880:] = 255
    return bands


def test_black_wedges_are_no_data_and_black_roofs_are(turned_photo: np.ndarray, make_raster: MakeRaster) -> None:
    path = make_raster(turned_photo)
    read = read_raster(path)
    black, white = (turned_photo == 0).all(axis=0), (turned_photo == 255).all(axis=0)
    np.testing.assert_array_equal(read.is_valid, ~(joined_to_the_border(black) | joined_to_the_border(white)))
    assert read.is_valid[400:440, 500:560].all()
    assert read.is_valid[300:340, 600:660].all()
    assert not read.is_valid[:200, 890:].any()
    assert read_raster(make_raster(turned_photo, nodata=7, name="declared.tif")).is_valid[0, 0]


def test_single_black_pixels_at_the_border_are_part_of_the_picture(make_raster: MakeRaster) -> None:
    bands = np.random.default_rng(0).integers(1, 255, (1, 60, 90), np.uint8)
    bands[0, 0, 10:17] = 0
    bands[0, 30:38, 0] = 0
    is_valid = read_raster(make_raster(bands)).is_valid
    assert is_valid[0].all()
    assert not is_valid[30:38, 0].any()
    assert is_valid.sum() == 60 * 90 - 8


def test_every_tile_agrees_with_the_whole(turned_photo: np.ndarray, make_raster: MakeRaster) -> None:
    path = make_raster(turned_photo, tiled=True, blockxsize=64, blockysize=64, compress="deflate")
    plan = ReadPlan.from_json(json.loads(json.dumps(plan_reading(path).to_json())))
    assert plan == plan_reading(path)
    tiled, whole = TiledRaster(path, plan, tile_px=128, overlap_px=32), read_raster(path)
    n_empty = 0
    for tile in tiled.grid:
        rect = tile.rect
        wanted = whole.is_valid[rect.top_px : rect.bottom_px, rect.left_px : rect.right_px]
        np.testing.assert_array_equal(tiled.read(rect).is_valid, wanted)
        assert tiled.is_provably_empty(tile) == (not wanted.any())
        assert (tiled.read_tile(tile) is None) == (not wanted.any())
        n_empty += not wanted.any()
    assert n_empty > 5


def test_inference_can_be_declined(turned_photo: np.ndarray, make_raster: MakeRaster) -> None:
    path = make_raster(turned_photo)
    plan = plan_reading(path, infer_collar=False)
    assert not plan.nodata.collars
    tiled = TiledRaster(path, plan)
    assert tiled.read(PixelRect(0, 0, 900, 700)).is_valid.all()
    assert not tiled.is_provably_empty(tiled.grid.tile(0))


def test_one_band_of_three_does_not_make_a_collar(make_raster: MakeRaster) -> None:
    bands = np.random.default_rng(0).integers(1, 255, (3, 60, 60), np.uint8)
    bands[0, :, :30] = 0
    assert not plan_reading(make_raster(bands), bands=[1]).nodata.collars
