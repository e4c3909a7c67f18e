from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from raster_factory import UTM_TRANSFORM, MakeRaster
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

from sam_backend.errors import RasterError
from sam_backend.geo.raster import is_georeferenced
from sam_backend.geo.read_plan import plan_reading
from sam_backend.geo.tiled_raster import TiledRaster, read_raster
from sam_backend.geo.tiles import PixelRect


def test_8_bit_rgb_stays_untouched(make_raster: MakeRaster, rgb_bands: np.ndarray) -> None:
    read = read_raster(make_raster(rgb_bands))
    np.testing.assert_array_equal(read.pixels, rgb_bands.transpose(1, 2, 0))
    assert read.is_valid.all()


def test_one_band_is_grey(make_raster: MakeRaster, rgb_bands: np.ndarray) -> None:
    pixels = read_raster(make_raster(rgb_bands[:1])).pixels
    np.testing.assert_array_equal(pixels, np.repeat(rgb_bands[0][..., None], 3, axis=2))


def test_of_two_bands_the_second_is_green(make_raster: MakeRaster, rgb_bands: np.ndarray) -> None:
    pixels = read_raster(make_raster(rgb_bands[:2])).pixels
    np.testing.assert_array_equal(pixels, rgb_bands[[0, 1, 0]].transpose(1, 2, 0))


def test_colours_are_found_in_any_order(make_raster: MakeRaster, rgb_bands: np.ndarray) -> None:
    path = make_raster(rgb_bands[::-1])
    with rasterio.open(path, "r+") as raster:
        raster.colorinterp = [ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    np.testing.assert_array_equal(read_raster(path).pixels, rgb_bands.transpose(1, 2, 0))


def test_of_many_bands_the_first_three_are_the_colours(make_raster: MakeRaster, rgb_bands: np.ndarray) -> None:
    eight = np.concatenate([rgb_bands, rgb_bands[:, ::-1], rgb_bands[:2]])
    path = make_raster(eight, photometric="MINISBLACK")
    np.testing.assert_array_equal(read_raster(path).pixels, rgb_bands.transpose(1, 2, 0))


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64"])
def test_deep_bands_are_stretched_alike_in_every_window(dtype: str, make_raster: MakeRaster) -> None:
    values = np.linspace(200, 3000, 60 * 90).reshape(1, 60, 90).astype(dtype)
    path = make_raster(values)
    whole = read_raster(path).pixels
    assert whole.min() == 0
    assert whole.max() == 255
    part = TiledRaster(path, plan_reading(path)).read(PixelRect(30, 20, 70, 45)).pixels
    np.testing.assert_array_equal(part, whole[20:45, 30:70])


def test_pixels_without_data_get_the_mean_of_the_rest(make_raster: MakeRaster, rgb_bands: np.ndarray) -> None:
    bands = np.maximum(rgb_bands, 1)
    bands[:, :10, :20] = 0
    read = read_raster(make_raster(bands, nodata=0))
    assert not read.is_valid[:10, :20].any()
    assert read.is_valid.sum() == 60 * 90 - 200
    assert read.pixels[3, 3].tolist() == bands[:, read.is_valid].mean(axis=1).astype(int).tolist()


def test_alpha_is_no_colour_but_says_where_data_is(make_raster: MakeRaster, rgb_bands: np.ndarray) -> None:
    alpha = np.full((1, 60, 90), 255, np.uint8)
    alpha[:, 40:] = 0
    path = make_raster(np.concatenate([rgb_bands, alpha]), photometric="RGB")
    with rasterio.open(path, "r+") as raster:
        raster.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    read = read_raster(path)
    np.testing.assert_array_equal(read.pixels[:40], rgb_bands.transpose(1, 2, 0)[:40])
    assert not read.is_valid[40:].any()


def test_an_empty_raster_is_said(make_raster: MakeRaster) -> None:
    path = make_raster(np.zeros((1, 20, 20), np.uint8), nodata=0)
    with pytest.raises(RasterError, match=r"raster\.tif has no data at all"):
        read_raster(path)


def test_nan_does_not_spoil_the_stretch(make_raster: MakeRaster) -> None:
    values = np.linspace(0, 1, 400).reshape(1, 20, 20).astype(np.float32)
    values[0, 0, :5] = np.nan
    assert read_raster(make_raster(values, nodata=float("nan"))).pixels.max() == 255


def test_what_is_no_raster_is_said(tmp_path: Path) -> None:
    path = tmp_path / "text.tif"
    path.write_text("not a raster")
    with pytest.raises(RasterError, match=r"text\.tif can't be read as a raster"):
        read_raster(path)


def test_georeferenced_or_not(make_raster: MakeRaster, rgb_bands: np.ndarray, tmp_path: Path) -> None:
    assert is_georeferenced(make_raster(rgb_bands))
    assert not is_georeferenced(make_raster(rgb_bands, crs=None, transform=Affine.identity(), name="plain.tif"))
    assert not is_georeferenced(tmp_path / "missing.tif")


def container(path: Path, n_rasters: int) -> Path:
    """A GeoPackage that holds some rasters."""
    for number in range(n_rasters):
        options = {"RASTER_TABLE": f"raster_{number}", "APPEND_SUBDATASET": "YES" if number else "NO"}
        profile = {"driver": "GPKG", "height": 20, "width": 20, "count": 1, "dtype": "uint8", "crs": "EPSG:32636"}
        with rasterio.open(path, "w", transform=UTM_TRANSFORM, **profile, **options) as raster:
            raster.write(np.full((1, 20, 20), 7, np.uint8))
    return path


def test_of_several_rasters_in_a_file_one_is_to_be_chosen(tmp_path: Path) -> None:
    path = container(tmp_path / "rasters.gpkg", 12)
    with pytest.raises(RasterError, match=r"rasters\.gpkg holds 12 rasters: write one to a file") as refused:
        plan_reading(path)
    named = str(refused.value).partition("They are ")[2].split(", ")
    assert len(set(named)) == 11
    assert set(named) < {"...", *(f"GPKG:rasters.gpkg:raster_{number}" for number in range(12))}


def test_a_raster_without_a_band_is_said(tmp_path: Path) -> None:
    path = tmp_path / "bare.pix"
    with rasterio.open(path, "w", driver="PCIDSK", width=8, height=5, count=0, dtype="uint8", transform=UTM_TRANSFORM):
        pass
    with pytest.raises(RasterError, match=r"bare\.pix has no band: give a raster that has some"):
        plan_reading(path)


def tied(raster: Path) -> Path:
    """The same without its transform: its corners are told as ground control points."""
    with rasterio.open(raster, "r+") as opened:
        corners_rc = [(0, 0), (0, opened.width), (opened.height, 0), (opened.height, opened.width)]
        points = [GroundControlPoint(row, column, *(UTM_TRANSFORM @ (column, row))) for row, column in corners_rc]
        opened.gcps = points, CRS.from_epsg(32636)
    return raster


def test_control_points_without_a_transform_are_refused(make_raster: MakeRaster, rgb_bands: np.ndarray) -> None:
    path = tied(make_raster(rgb_bands, crs=None, transform=Affine.identity()))
    with pytest.raises(RasterError, match=r"control points and no transform: warp it first \(gdalwarp raster\.tif OUT"):
        plan_reading(path)
    assert not is_georeferenced(path)


def test_control_points_beside_a_transform_are_no_matter(make_raster: MakeRaster, rgb_bands: np.ndarray) -> None:
    path = make_raster(rgb_bands)
    points = '<GCPList><GCP Id="1" Pixel="0" Line="0" X="5" Y="6"/></GCPList>'
    path.with_name("raster.tif.aux.xml").write_text(f"<PAMDataset>{points}</PAMDataset>")
    with rasterio.open(path) as opened:
        assert len(opened.gcps[0]) == 1
    assert read_raster(path).transform == UTM_TRANSFORM


@pytest.mark.parametrize(
    "name",
    [
        "rasterio/RGB.byte.tif",
        "solaris_spacenet/sample_geotiff_custom_proj.tif",
        "ftw_fields/inference-img.tif",
        "deepness/dummy_fotomap_small.tif",
    ],
)
def test_real_rasters_are_neither_black_nor_white(name: str, shared: Path) -> None:
    read = read_raster(shared / "data" / "geo" / name)
    assert 30 < read.pixels[read.is_valid].mean() < 225
    assert read.pixels[read.is_valid].std() > 15
