"""Rasters of every kind of place, number type and nodata: each in its right place within a pixel."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from raster_factory import UTM_TRANSFORM, MakeRaster
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.transform import xy
from rasterio.warp import transform as to_crs

from sam_backend.errors import LayerError
from sam_backend.geo.area_of_interest import read_area_of_interest
from sam_backend.geo.read_plan import plan_reading
from sam_backend.geo.tiled_raster import TiledRaster
from sam_backend.geo.tiles import PixelRect

ALBERS = (
    'PROJCS["site",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433]],PROJECTION["Albers_Conic_Equal_Area"],PARAMETER["standard_parallel_1",29.5],'
    'PARAMETER["standard_parallel_2",45.5],PARAMETER["latitude_of_center",23],PARAMETER["longitude_of_center",-96],'
    'UNIT["metre",1]]'
)
PLACES = {
    "utm": ("EPSG:32636", UTM_TRANSFORM),
    "degrees": ("EPSG:4326", Affine(1e-5, 0, 32.5, 0, -1e-5, 0.3)),
    "custom wkt": (ALBERS, Affine(30, 0, -673425, 0, -30, 2130165)),
    "rotated": ("EPSG:32636", Affine(0.4, 0.3, 300_000, 0.3, -0.4, 5_000_000)),
    "south up": ("EPSG:32636", Affine(0.5, 0, 300_000, 0, 0.5, 5_000_000)),
    "feet": ("EPSG:2263", Affine(1, 0, 980_000, 0, -1, 200_000)),
}
KINDS = {"uint8": 1, "uint16": 9, "int16": 9, "float32": 0.01, "int32": 500}
SQUARE = PixelRect(70, 40, 90, 52)


def bands_of(dtype: str, count: int) -> np.ndarray:
    """Dim noise with one bright rectangle, and nothing at the left."""
    noise = np.random.default_rng(0).integers(60, 90, (count, 90, 120))
    noise[:, SQUARE.top_px : SQUARE.bottom_px, SQUARE.left_px : SQUARE.right_px] = 200
    noise[:, :, :20] = 0
    return (noise * KINDS[dtype]).astype(dtype)


def bright_centre_xy(tiled: TiledRaster) -> tuple[float, float]:
    """In map coordinates, of the bright pixels of every tile."""
    centres = {}
    for tile in tiled.tiles():
        window = tiled.read(tile.rect)
        rows, columns = np.nonzero((window.pixels > 180).all(axis=2) & window.is_valid)
        for row, column in zip(rows, columns, strict=True):
            of_raster = tile.rect.top_px + row, tile.rect.left_px + column
            centres[of_raster] = window.transform @ (column + 0.5, row + 0.5)
    return tuple(np.mean(list(centres.values()), axis=0))


def geojson(path: Path, corners_lon_lat: list[tuple[float, float]]) -> Path:
    geometry = {"type": "Polygon", "coordinates": [[*corners_lon_lat, corners_lon_lat[0]]]}
    feature = {"type": "Feature", "properties": {}, "geometry": geometry}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


@pytest.mark.parametrize(
    ("place", "dtype", "count", "nodata"),
    [
        *((place, "uint8", 3, 0) for place in PLACES),
        *(("utm", dtype, count, nodata) for dtype, count, nodata in itertools.product(KINDS, (1, 2, 3, 8), (0, None))),
    ],
)
def test_it_is_read_in_its_right_place(
    place: str, dtype: str, count: int, nodata: float | None, make_raster: MakeRaster, tmp_path: Path
) -> None:
    crs, transform = PLACES[place]
    path = make_raster(bands_of(dtype, count), crs, transform, nodata=nodata)
    tiled = TiledRaster(path, plan_reading(path), tile_px=48, overlap_px=16)
    wanted_xy = xy(transform, 46, 80, offset="ul")
    px = np.hypot(transform.a, transform.d)
    assert np.hypot(*np.subtract(bright_centre_xy(tiled), wanted_xy)) < 0.1 * px
    assert not tiled.read(PixelRect(0, 0, 20, 90)).is_valid.any()
    assert tiled.read(PixelRect(20, 0, 120, 90)).is_valid.all()


@pytest.mark.parametrize(("crs", "transform"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_an_area_in_degrees_finds_its_tiles(
    factor: float, crs: str, transform: Affine, make_raster: MakeRaster, tmp_path: Path
) -> None:
    path = make_raster(bands_of("uint8", 3), crs, transform)
    corners = [transform @ corner for corner in [(70, 40), (90, 40), (90, 52), (70, 52)]]
    in_degrees = list(zip(*to_crs(CRS.from_user_input(crs), "EPSG:4326", *zip(*corners, strict=True)), strict=True))
    area = read_area_of_interest(geojson(tmp_path / "area.geojson", in_degrees), CRS.from_user_input(crs))
    tiled = TiledRaster(path, plan_reading(path, ground_size_factor=factor), 37, 0, area)
    assert tiled.area_px is not None
    np.testing.assert_allclose(tiled.area_px.bounds, np.array([70, 40, 90, 52]) * factor, atol=0.05)
    square = PixelRect(*(int(value * factor) for value in (70, 40, 90, 52)))
    wanted = [tile for tile in tiled.grid if not tile.rect.intersection(square).is_empty]
    assert list(tiled.tiles()) == wanted


def test_a_raster_without_crs_is_read_but_nothing_is_placed_on_it(make_raster: MakeRaster, tmp_path: Path) -> None:
    path = make_raster(bands_of("uint8", 3), crs=None, transform=Affine.identity())
    tiled = TiledRaster(path, plan_reading(path), tile_px=48, overlap_px=16)
    assert tiled.crs is None
    assert bright_centre_xy(tiled) == pytest.approx((80, 46))
    area = geojson(tmp_path / "area.geojson", [(70, 40), (90, 40), (90, 52)])
    with pytest.raises(LayerError, match=r"the raster has no CRS, so area\.geojson can't be placed"):
        read_area_of_interest(area, None)
    assert read_area_of_interest(area, None, stated_crs="raster").bounds == (70, 40, 90, 52)


def test_rgba_is_read_where_alpha_says_so(make_raster: MakeRaster) -> None:
    bands = np.concatenate([bands_of("uint8", 3), np.full((1, 90, 120), 255, np.uint8)])
    bands[3, :, 100:] = 0
    path = make_raster(bands, photometric="RGB")
    with rasterio.open(path, "r+") as raster:
        raster.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    tiled = TiledRaster(path, plan_reading(path))
    assert tiled.plan.nodata.declared == "alpha"
    assert tiled.plan.bands == (1, 2, 3)
    valid = tiled.read(PixelRect(0, 0, 120, 90)).is_valid
    np.testing.assert_array_equal(valid, np.arange(120)[None] < 100 * np.ones((90, 1)))
