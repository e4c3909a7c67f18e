import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from PIL import Image
from raster_factory import UTM_TRANSFORM, MakeRaster

from sam_backend.errors import RasterError
from sam_backend.geo.frame import map_to_pixel_xy, pixel_to_map_xy
from sam_backend.geo.read_plan import plan_reading
from sam_backend.geo.tiled_raster import TiledRaster
from sam_backend.geo.tiles import PixelRect


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 255, (3, 150, 210), np.uint8)


@pytest.fixture
def tiled(make_raster: MakeRaster, noise: np.ndarray) -> TiledRaster:
    path = make_raster(noise)
    return TiledRaster(path, plan_reading(path), tile_px=64, overlap_px=16)


def test_tiles_show_their_part(tiled: TiledRaster, noise: np.ndarray) -> None:
    image = noise.transpose(1, 2, 0)
    assert len(list(tiled.tiles())) == len(tiled.grid) == 5 * 3
    for tile in tiled.tiles():
        rect, window = tile.rect, tiled.read(tile.rect)
        wanted = image[rect.top_px : rect.bottom_px, rect.left_px : rect.right_px]
        np.testing.assert_array_equal(window.pixels, wanted)
        origin_xy = map_to_pixel_xy(np.array([window.transform.c, window.transform.f]), UTM_TRANSFORM)
        np.testing.assert_allclose(origin_xy, [rect.left_px, rect.top_px], atol=1e-6)


def test_beyond_the_raster_nothing_is_valid_and_the_mean_is_shown(tiled: TiledRaster, noise: np.ndarray) -> None:
    window = tiled.read(PixelRect(-10, -20, 256, 256))
    wanted = np.zeros((276, 266), np.bool_)
    wanted[20:170, 10:220] = True
    np.testing.assert_array_equal(window.is_valid, wanted)
    assert window.pixels[0, 0].tolist() == noise.mean(axis=(1, 2)).astype(int).tolist()
    np.testing.assert_array_equal(window.pixels[20:170, 10:220], noise.transpose(1, 2, 0))
    assert not tiled.read(PixelRect(500, 500, 510, 510)).is_valid.any()


def test_a_rectangle_without_pixels_is_refused(tiled: TiledRaster) -> None:
    with pytest.raises(RasterError, match="has no pixel: give one with right > left"):
        tiled.read(PixelRect(5, 5, 5, 9))


def test_threads_and_processes_read_the_same(tiled: TiledRaster) -> None:
    rects = [tile.rect for tile in tiled.grid] * 3
    alone = [tiled.read(rect).pixels for rect in rects]
    with ThreadPoolExecutor(3) as threads:
        for ours, theirs in zip(alone, threads.map(tiled.read, rects), strict=True):
            np.testing.assert_array_equal(ours, theirs.pixels)
    copy = pickle.loads(pickle.dumps(tiled))  # noqa: S301 - our own
    np.testing.assert_array_equal(copy.read(rects[3]).pixels, alone[3])


def _send(tiled: TiledRaster, rect: PixelRect, connection: object) -> None:
    connection.send(tiled.read(rect).pixels)


def test_a_forked_process_opens_the_file_for_itself(tiled: TiledRaster) -> None:
    rect = tiled.grid.tile(2).rect
    ours = tiled.read(rect).pixels
    fork = multiprocessing.get_context("fork")
    receive, send = fork.Pipe(duplex=False)
    process = fork.Process(target=_send, args=(tiled, rect, send))
    process.start()
    np.testing.assert_array_equal(receive.recv(), ours)
    process.join()


@pytest.mark.parametrize("factor", [0.25, 0.4, 0.5, 1.7, 2.0, 4.0])
def test_a_ground_size_factor_resamples_the_whole_alike_in_every_window(
    factor: float, make_raster: MakeRaster, noise: np.ndarray
) -> None:
    path = make_raster(noise)
    tiled = TiledRaster(path, plan_reading(path, ground_size_factor=factor), tile_px=32, overlap_px=8)
    width, height = tiled.plan.run_wh
    assert (width, height) == (round(210 * factor), round(150 * factor))
    whole = np.asarray(Image.fromarray(noise.transpose(1, 2, 0)).resize((width, height), Image.Resampling.BILINEAR))
    for tile in list(tiled.grid)[:60]:
        rect, window = tile.rect, tiled.read(tile.rect)
        wanted = whole[rect.top_px : rect.bottom_px, rect.left_px : rect.right_px].astype(int)
        assert np.abs(window.pixels - wanted).max() <= 2
        assert window.is_valid.all()
    corner_xy = pixel_to_map_xy(np.array([float(width), height]), tiled.transform)
    np.testing.assert_allclose(corner_xy, pixel_to_map_xy(np.array([210.0, 150.0]), UTM_TRANSFORM))


def test_resampling_does_not_smear_what_has_no_data(make_raster: MakeRaster) -> None:
    bands = np.full((3, 80, 80), 200, np.uint8)
    bands[:, :, :40] = 0
    path = make_raster(bands, nodata=0)
    window = TiledRaster(path, plan_reading(path, ground_size_factor=0.5)).read(PixelRect(0, 0, 40, 40))
    assert (window.pixels == 200).all()
    np.testing.assert_array_equal(window.is_valid.sum(axis=0), [0] * 20 + [40] * 20)


@pytest.mark.parametrize("factor", [0.0, 0.2, 5.0, float("nan")])
def test_factors_that_make_no_sense_are_refused(factor: float, make_raster: MakeRaster, noise: np.ndarray) -> None:
    with pytest.raises(RasterError, match=r"isn't from 0\.25 to 4"):
        plan_reading(make_raster(noise), ground_size_factor=factor)


@pytest.mark.parametrize("percent", [(98, 2), (-1, 98), (2, 101)])
def test_percentages_that_make_no_sense_are_refused(percent: tuple[float, float], make_raster: MakeRaster) -> None:
    with pytest.raises(RasterError, match="makes no sense"):
        plan_reading(make_raster(np.ones((1, 9, 9), np.uint16)), stretch_percent=percent)


def test_only_tiles_that_the_area_meets_are_handed_out(make_raster: MakeRaster, noise: np.ndarray) -> None:
    path = make_raster(noise)
    plan = plan_reading(path, ground_size_factor=2)
    x, y = pixel_to_map_xy(np.array([64.0, 64.0]), UTM_TRANSFORM)
    area = shapely.Polygon([(x, y), (x - 10, y), (x - 10, y + 5)])
    tiled = TiledRaster(path, plan, tile_px=128, overlap_px=0, area_of_interest=area)
    assert [tile.index for tile in tiled.tiles()] == [0]
    assert len(list(TiledRaster(path, plan, 128, 0).tiles())) == len(tiled.grid) == 12
    with pytest.raises(RasterError, match=r"the area of interest lies outside raster\.tif"):
        TiledRaster(path, plan, area_of_interest=shapely.box(0, 0, 5, 5))


def test_a_plan_of_another_raster_is_refused(make_raster: MakeRaster, noise: np.ndarray) -> None:
    plan = plan_reading(make_raster(noise))
    for name, bands in {"smaller.tif": noise[:, 1:], "grey.tif": noise[:1]}.items():
        with pytest.raises(RasterError, match="the raster was changed, start a new run"):
            TiledRaster(make_raster(bands, name=name), plan)


def test_a_transform_without_area_takes_no_area(make_raster: MakeRaster, noise: np.ndarray) -> None:
    path = make_raster(noise, transform=Affine(0.5, 0, 3, 0.5, 0, 7))
    with pytest.raises(RasterError, match="has a transform without area"):
        TiledRaster(path, plan_reading(path), area_of_interest=shapely.box(0, 0, 5, 5))


def test_a_file_that_goes_away_is_named(tiled: TiledRaster) -> None:
    tiled.path.unlink()
    with pytest.raises(RasterError, match=r"raster\.tif can't be read"):
        tiled.read(PixelRect(0, 0, 9, 9))


@pytest.mark.parametrize("profile", [{"compress": "jpeg"}, {"tiled": True, "blockxsize": 16, "blockysize": 16}])
def test_a_mask_in_the_file_is_heeded(profile: dict[str, object], make_raster: MakeRaster, noise: np.ndarray) -> None:
    path = make_raster(noise, **profile)
    mask = np.full(noise.shape[1:], 255, np.uint8)
    mask[:70, :70] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as raster:
        raster.write_mask(mask)
    tiled = TiledRaster(path, plan_reading(path), tile_px=64, overlap_px=0)
    assert tiled.plan.nodata.declared == "mask"
    np.testing.assert_array_equal(tiled.read(PixelRect(0, 0, 210, 150)).is_valid, mask > 0)
    assert [tile.index for tile in tiled.grid if tiled.is_provably_empty(tile)] == [0]


def test_nan_and_infinity_are_no_data(make_raster: MakeRaster) -> None:
    values = np.linspace(0, 1, 400).reshape(1, 20, 20).astype(np.float32)
    values[0, 0, :5], values[0, 1, :5] = np.nan, np.inf
    path = make_raster(values)
    tiled = TiledRaster(path, plan_reading(path), tile_px=5, overlap_px=0)
    window = tiled.read(PixelRect(0, 0, 20, 20))
    np.testing.assert_array_equal(window.is_valid, np.isfinite(values[0]))
    assert window.pixels.std() > 20
    assert not tiled.is_provably_empty(tiled.grid.tile(0))


def test_a_raster_of_nothing_but_nan_is_said(make_raster: MakeRaster) -> None:
    with pytest.raises(RasterError, match="has no data at all"):
        plan_reading(make_raster(np.full((1, 20, 20), np.nan, np.float32)))


def test_a_striped_raster_is_sampled_evenly(make_raster: MakeRaster, tmp_path: Path) -> None:
    values = np.tile(np.linspace(100, 4000, 3000).astype(np.uint16), (1, 3000, 1))
    stretch = plan_reading(make_raster(values, blockysize=1)).stretch
    assert stretch is not None
    (band,) = stretch.bands
    assert (band.low, band.high) == pytest.approx(tuple(np.percentile(values, (2, 98))), abs=10)
