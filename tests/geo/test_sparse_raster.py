"""A large raster of which little was written."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from raster_factory import UTM_TRANSFORM
from rasterio.windows import Window

from sam_backend.errors import RasterError
from sam_backend.geo.read_plan import ReadPlan, plan_reading
from sam_backend.geo.tiled_raster import TiledRaster
from sam_backend.geo.tiles import PixelRect

SIDE_PX = 20_000
SCENE = Window(9_000, 15_000, 700, 500)


def write_sparse(path: Path, **profile: object) -> np.ndarray:
    values = np.random.default_rng(0).integers(300, 2000, (3, SCENE.height, SCENE.width), np.uint16)
    options = {"driver": "GTiff", "width": SIDE_PX, "height": SIDE_PX, "count": 3, "dtype": "uint16"}
    blocks = {"tiled": True, "blockxsize": 256, "blockysize": 256, "SPARSE_OK": True}
    place = {"crs": "EPSG:32636", "transform": UTM_TRANSFORM}
    with rasterio.open(path, "w", **options, **blocks, **place, **profile) as raster:
        raster.write(values, window=SCENE)
    return values


@pytest.mark.parametrize(
    "profile",
    [{}, {"nodata": 0}, {"interleave": "band", "nodata": 65535}],
    ids=["nothing declared", "nodata 0", "planes"],
)
def test_only_what_was_written_is_read(profile: dict[str, object], tmp_path: Path) -> None:
    values = write_sparse(tmp_path / "sparse.tif", **profile)
    plan = plan_reading(tmp_path / "sparse.tif")
    assert ReadPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert plan.stretch is not None
    expected = np.percentile(values.reshape(3, -1), (2, 98), axis=1).T
    np.testing.assert_allclose([[band.low, band.high] for band in plan.stretch.bands], expected, atol=15)
    tiled = TiledRaster(tmp_path / "sparse.tif", plan)
    tiles = list(tiled.tiles())
    assert len(tiled.grid) == 676
    assert 1 <= len(tiles) <= 9
    scene = PixelRect(9_000, 15_000, 9_700, 15_500)
    with_data = [tile for tile in tiles if not tiled.is_provably_empty(tile)]
    assert with_data
    assert with_data == [tile for tile in tiled.grid if not tile.rect.intersection(scene).is_empty]
    window = tiled.read(PixelRect(8_900, 14_900, 9_800, 15_600))
    wanted = np.zeros((700, 900), np.bool_)
    wanted[100:600, 100:800] = True
    np.testing.assert_array_equal(window.is_valid, wanted)


def test_an_area_in_nothing_but_holes_gives_no_tile(tmp_path: Path) -> None:
    write_sparse(tmp_path / "sparse.tif")
    tiled = TiledRaster(tmp_path / "sparse.tif", plan_reading(tmp_path / "sparse.tif"))
    tile = tiled.grid.tile(0)
    assert tiled.is_provably_empty(tile)
    assert tiled.read_tile(tile) is None
    assert (tiled.read(tile.rect).pixels == 128).all()


def test_a_raster_of_which_nothing_was_written_is_said(tmp_path: Path) -> None:
    path = tmp_path / "void.tif"
    blocks = {"tiled": True, "SPARSE_OK": True, "crs": "EPSG:32636", "transform": UTM_TRANSFORM}
    rasterio.open(path, "w", driver="GTiff", width=3000, height=3000, count=1, dtype="uint8", **blocks).close()
    with pytest.raises(RasterError, match=r"void\.tif has no data at all"):
        plan_reading(path)
