import json
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.transform import xy
from rasterio.warp import transform
from shapely.geometry import shape

from sam_backend.errors import RasterError
from sam_backend.geo.geojson import Outline, map_features, pixel_features, write_geojson
from sam_backend.masks.polygons import mask_to_polygons

NORTH_UP = Affine(0.5, 0, 300_000, 0, -0.5, 5_000_000)
SOUTH_UP = Affine(0.5, 0, 300_000, 0, 0.5, 5_000_000)
UTM = CRS.from_epsg(32636)


@pytest.fixture
def outline() -> Outline:
    mask = np.zeros((50, 60), np.bool_)
    mask[10:40, 20:50] = True
    mask[20:25, 30:35] = False
    mask[45:48, 2:6] = True
    return Outline(polygons=mask_to_polygons(mask), properties={"predicted_iou": 0.5})


@pytest.mark.parametrize("affine", [NORTH_UP, SOUTH_UP], ids=["north up", "south up"])
def test_map_features_lie_where_the_raster_lies(affine: Affine, outline: Outline) -> None:
    feature = map_features([outline], affine, UTM)["features"][0]
    geometry = shape(feature["geometry"])
    (lon,), (lat,) = transform(UTM, CRS.from_epsg(4326), *([value] for value in xy(affine, 10, 20, offset="ul")))
    distances = [np.hypot(x - lon, y - lat) for x, y in geometry.geoms[0].exterior.coords]
    assert min(distances) < 1e-8
    assert feature["properties"] == {"predicted_iou": 0.5}


@pytest.mark.parametrize("affine", [NORTH_UP, SOUTH_UP], ids=["north up", "south up"])
def test_rings_run_as_the_standard_says(affine: Affine, outline: Outline) -> None:
    geometry = shape(map_features([outline], affine, UTM)["features"][0]["geometry"])
    assert geometry.is_valid
    for piece in geometry.geoms:
        assert piece.exterior.is_ccw
        assert not any(hole.is_ccw for hole in piece.interiors)
    assert [len(piece.interiors) for piece in geometry.geoms] == [1, 0]


def test_pixel_features_keep_the_pixels(outline: Outline) -> None:
    collection = pixel_features([outline])
    geometry = shape(collection["features"][0]["geometry"])
    assert geometry.area == 30 * 30 - 25 + 12
    assert geometry.bounds == (2, 10, 50, 48)
    assert collection["coordinates"] == "image px, x right, y down"


def test_no_crs_is_said(outline: Outline) -> None:
    with pytest.raises(RasterError, match="the raster has no CRS"):
        map_features([outline], NORTH_UP, None)


def test_a_crs_of_nowhere_is_said(outline: Outline) -> None:
    local = CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')
    with pytest.raises(RasterError, match="can't be turned into longitude and latitude"):
        map_features([outline], NORTH_UP, local)


def test_an_empty_mask_is_an_empty_geometry() -> None:
    collection = map_features([Outline(polygons=[], properties={})], NORTH_UP, UTM)
    assert shape(collection["features"][0]["geometry"]).is_empty


def test_the_file_is_plain_json(outline: Outline, tmp_path: Path) -> None:
    path = tmp_path / "out.geojson"
    collection = pixel_features([outline])
    write_geojson(collection, path)
    assert json.loads(path.read_text()) == collection
