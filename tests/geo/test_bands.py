from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from raster_factory import MakeRaster
from rasterio.enums import ColorInterp

from sam_backend.errors import RasterError
from sam_backend.geo.bands import choose_bands
from sam_backend.geo.raster import open_raster
from sam_backend.geo.read_plan import plan_reading
from sam_backend.geo.tiled_raster import read_raster

C = ColorInterp


def tagged(make_raster: MakeRaster, *tags: ColorInterp) -> str:
    path = make_raster(np.ones((len(tags), 4, 5), np.uint8), photometric="MINISBLACK")
    with rasterio.open(path, "r+") as raster:
        raster.colorinterp = tags
    return path


@pytest.mark.parametrize(
    ("tags", "bands"),
    [
        ([C.gray], (1,)),
        ([C.gray, C.alpha], (1,)),
        ([C.gray, C.undefined], (1, 2, 1)),
        ([C.undefined, C.undefined, C.undefined, C.undefined], (1, 2, 3)),
        ([C.alpha, C.undefined, C.undefined, C.undefined], (2, 3, 4)),
        ([C.blue, C.green, C.red, C.alpha], (3, 2, 1)),
        ([C.undefined, C.red, C.undefined, C.green, C.blue], (2, 4, 5)),
        ([C.alpha], (1,)),
    ],
    ids=["grey", "grey+alpha", "two", "four", "alpha first", "bgra", "scattered", "only alpha"],
)
def test_the_bands_that_are_shown(tags: list[ColorInterp], bands: tuple[int, ...], make_raster: MakeRaster) -> None:
    with open_raster(tagged(make_raster, *tags)) as raster:
        assert choose_bands(raster) == bands


@pytest.mark.parametrize(("named", "bands"), [([4], (4,)), ([4, 2], (4, 2, 4)), ([5, 1, 3], (5, 1, 3))])
def test_named_bands_are_taken(named: list[int], bands: tuple[int, ...], make_raster: MakeRaster) -> None:
    path = make_raster(np.random.default_rng(0).integers(0, 255, (5, 9, 8), np.uint8), photometric="MINISBLACK")
    assert plan_reading(path, bands=named).bands == bands


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ([], "0 bands were named"),
        ([1, 2, 3, 4], "4 bands were named"),
        ([6], "no band 6: name some of its bands 1 to 5"),
    ],
)
def test_bands_that_are_not_there_are_refused(named: list[int], sentence: str, make_raster: MakeRaster) -> None:
    path = make_raster(np.ones((5, 9, 8), np.uint8), photometric="MINISBLACK")
    with pytest.raises(RasterError, match=sentence):
        plan_reading(path, bands=named)


def test_complex_numbers_are_refused(make_raster: MakeRaster) -> None:
    with pytest.raises(RasterError, match=r"raster\.tif holds complex numbers: write their magnitude"):
        plan_reading(make_raster(np.ones((1, 9, 8), np.complex64)))


def test_a_palette_becomes_its_colours(make_raster: MakeRaster) -> None:
    places = np.arange(40, dtype=np.uint8).reshape(1, 5, 8) % 3
    path = make_raster(places, photometric="PALETTE")
    colours = {0: (200, 10, 30, 255), 1: (0, 90, 250, 255), 2: (5, 5, 5, 0)}
    with rasterio.open(path, "r+") as raster:
        raster.write_colormap(1, colours)
    read = read_raster(path)
    for place in (0, 1):
        assert (read.pixels[places[0] == place] == colours[place][:3]).all()
    assert read.is_valid.all()  # a TIFF keeps no transparency of its colours


def test_a_transparent_colour_is_no_data(tmp_path: Path) -> None:
    places = np.arange(40, dtype=np.uint8).reshape(5, 8) % 3
    image = Image.fromarray(places)
    image = image.copy()
    image.putpalette([200, 10, 30, 0, 90, 250, 5, 5, 5])
    image.save(tmp_path / "places.png", transparency=2)
    np.testing.assert_array_equal(read_raster(tmp_path / "places.png").is_valid, places != 2)


TABLE = "<ColorTable>" + '<Entry c1="9" c2="90" c3="9" c4="255"/>' * 300 + "</ColorTable>"


@pytest.mark.parametrize(
    ("dtype", "table", "is_grey"),
    [
        pytest.param("Float32", TABLE, True, id="floats"),
        pytest.param("UInt32", TABLE, True, id="more values than a table has"),
        pytest.param("Byte", "", True, id="no table"),
        pytest.param("Byte", TABLE, False, id="more colours than values"),
        pytest.param("Int16", TABLE, False, id="signed"),
    ],
)
def test_only_what_has_a_colour_for_each_value_is_coloured(
    dtype: str, table: str, is_grey: bool, make_raster: MakeRaster, tmp_path: Path
) -> None:
    make_raster(np.arange(1, 41, dtype=np.uint8).reshape(1, 5, 8))
    band = f"<ColorInterp>Palette</ColorInterp>{table}<SimpleSource><SourceFilename relativeToVRT='1'>raster.tif"
    (tmp_path / "coloured.vrt").write_text(
        f"<VRTDataset rasterXSize='8' rasterYSize='5'><VRTRasterBand dataType='{dtype}' band='1'>{band}"
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    pixels = read_raster(tmp_path / "coloured.vrt").pixels
    assert (pixels[..., 0] == pixels[..., 1]).all() == is_grey
    assert len(np.unique(pixels)) == (2 if not is_grey else 40)
