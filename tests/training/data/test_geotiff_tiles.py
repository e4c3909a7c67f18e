import json
import re
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from data_set_files import UTM, UTM_TRANSFORM, geojson, noise_bands, square_utm, write_json, write_raster
from rasterio.warp import transform_geom

from sam_backend.errors import DatasetError, ImageError, RasterError
from sam_backend.training.data.geotiff import LabelledRaster
from sam_backend.training.data.tiling import DEFAULT_TILING, RasterPart, Tiling
from sam_backend.training.sample import all_masks

HW = (60, 90)
WEST, EAST = Tiling(part=RasterPart(right=0.5)), Tiling(part=RasterPart(left=0.5))


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "town.tif", noise_bands(*HW))


def opened(raster: Path, collection: object, tiling: Tiling = DEFAULT_TILING, crs: str | None = None) -> LabelledRaster:
    return LabelledRaster(raster, write_json(raster.with_suffix(".geojson"), collection), crs, tiling)


def square(top: int, left: int, size: int, hw: tuple[int, int] = HW) -> np.ndarray:
    mask = np.zeros(hw, np.bool_)
    mask[max(0, top) : max(0, top + size), max(0, left) : max(0, left + size)] = True
    return mask


def test_a_polygon_becomes_a_mask_in_its_place(raster: Path) -> None:
    pictures = opened(raster, geojson(square_utm(10, 20, 5), square_utm(80, 0, 3)))
    assert pictures.names == ["town_r0_c0"]
    picture = pictures.read("town_r0_c0")
    np.testing.assert_array_equal(picture.image, noise_bands(*HW).transpose(1, 2, 0))
    np.testing.assert_array_equal(all_masks(picture.masks), [square(20, 10, 5), square(0, 80, 3)])


def test_tiles_show_what_of_an_object_lies_in_them_and_empty_ones_are_left_out(raster: Path) -> None:
    pictures = opened(raster, geojson(square_utm(25, 5, 10), square_utm(2, 32, 4)), Tiling(30, 0))
    assert pictures.names == ["town_r0_c0", "town_r0_c1", "town_r1_c0"]
    parts = {name: all_masks(pictures.read(name).masks) for name in pictures.names}
    np.testing.assert_array_equal(parts["town_r0_c0"], [square(5, 25, 10, (30, 30))])
    np.testing.assert_array_equal(parts["town_r0_c1"], [square(5, -5, 10, (30, 30))])
    np.testing.assert_array_equal(parts["town_r1_c0"], [square(2, 2, 4, (30, 30))])
    np.testing.assert_array_equal(pictures.read("town_r1_c0").image, noise_bands(*HW).transpose(1, 2, 0)[30:60, 0:30])


def test_a_polygon_that_ends_at_a_tile_is_not_in_it(raster: Path) -> None:
    assert opened(raster, geojson(square_utm(0, 0, 30)), Tiling(30, 0)).names == ["town_r0_c0"]


def test_a_part_shows_its_own_side_only(raster: Path) -> None:
    collection = geojson(square_utm(10, 20, 5), square_utm(43, 20, 5), square_utm(80, 0, 3))
    west, east = opened(raster, collection, WEST), opened(raster, collection, EAST)
    assert [mask.sum() for mask in all_masks(west.read(west.names[0]).masks)] == [25, 10]
    assert [mask.sum() for mask in all_masks(east.read(east.names[0]).masks)] == [15, 9]


@pytest.mark.parametrize("crs", ["EPSG:4326", None, "EPSG:3857", "urn:ogc:def:crs:OGC:1.3:CRS84"])
def test_polygons_of_another_crs_are_brought_to_that_of_the_raster(crs: str | None, raster: Path) -> None:
    flat = {"type": "Polygon", "coordinates": square_utm(10, 20, 25)}
    moved = transform_geom(UTM, "EPSG:4326" if crs is None or "CRS84" in crs else crs, flat)
    picture = opened(raster, geojson(moved["coordinates"], crs=crs)).read("town_r0_c0")
    np.testing.assert_array_equal(picture.masks[0], square(20, 10, 25))


@pytest.mark.parametrize("ending", [".gpkg", ".shp", ".fgb"])
def test_other_vector_files_are_read_too(ending: str, raster: Path) -> None:
    shape = shapely.Polygon(square_utm(10, 20, 5)[0])
    file = raster.with_suffix(ending)
    pyogrio.raw.write(file, shapely.to_wkb(np.array([shape])), [], [], geometry_type="Polygon", crs=UTM)
    np.testing.assert_array_equal(LabelledRaster(raster, file).read("town_r0_c0").masks[0], square(20, 10, 5))


def test_a_stated_crs_overrules_that_of_the_file(raster: Path) -> None:
    unlabelled = geojson(square_utm(10, 20, 5), crs=None)
    with pytest.raises(DatasetError, match=r"no polygon of .*can't be brought to the raster's CRS"):
        opened(raster, unlabelled)
    for crs in ("raster", UTM):
        assert len(opened(raster, unlabelled, crs=crs).read("town_r0_c0").masks) == 1


def test_a_file_without_crs_needs_one_stated(raster: Path) -> None:
    file = raster.with_suffix(".shp")
    shape = shapely.to_wkb(np.array([shapely.Polygon(square_utm(10, 20, 5)[0])]))
    with pytest.warns(UserWarning, match="crs"):
        pyogrio.raw.write(file, shape, [], [], geometry_type="Polygon", crs=None)
    with pytest.raises(DatasetError, match="doesn't say its CRS"):
        LabelledRaster(raster, file)
    assert len(LabelledRaster(raster, file, "raster").names) == 1


def test_an_unknown_crs_is_an_error(raster: Path) -> None:
    with pytest.raises(DatasetError, match="the layer's CRS 'Atlantis' isn't known"):
        opened(raster, geojson(square_utm(10, 20, 5)), crs="Atlantis")


def test_the_pieces_and_holes_of_a_feature_are_one_object(raster: Path) -> None:
    outer, hole, other = square_utm(10, 20, 9)[0], square_utm(13, 23, 3)[0][::-1], square_utm(50, 5, 4)
    picture = opened(raster, geojson([[outer, hole], other], kind="MultiPolygon")).read("town_r0_c0")
    np.testing.assert_array_equal(all_masks(picture.masks), [square(20, 10, 9) ^ square(23, 13, 3) | square(5, 50, 4)])


def test_crossing_rings_are_mended(raster: Path) -> None:
    bow_tie = [[list(UTM_TRANSFORM @ corner) for corner in [(0, 0), (40, 40), (40, 0), (0, 40), (0, 0)]]]
    mask = opened(raster, geojson(bow_tie)).read("town_r0_c0").masks[0]
    assert mask[20, 5]
    assert mask[20, 35]
    assert not mask[5, 20]
    assert mask.sum() == pytest.approx(800, abs=40)


DAMAGED = {
    "null": (None, "missing or damaged"),
    "no-ring": ({"type": "Polygon", "coordinates": "x"}, "missing or damaged"),
    "two-corners": ({"type": "Polygon", "coordinates": [square_utm(1, 1, 5)[0][:2]]}, "missing or damaged"),
    "empty": ({"type": "Polygon", "coordinates": []}, "a Polygon without area"),
    "point": ({"type": "Point", "coordinates": square_utm(1, 1, 5)[0][0]}, "a Point without area"),
    "line": ({"type": "LineString", "coordinates": square_utm(1, 1, 5)[0]}, "a LineString without area"),
    "infinite": (
        {"type": "Polygon", "coordinates": [[[1e999, 0], [1, 1], [0, 1], [1e999, 0]]]},
        "missing or damaged",
    ),
}


@pytest.mark.parametrize(("geometry", "reason"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_feature_is_named_and_costs_no_other(geometry: object, reason: str, raster: Path) -> None:
    collection = geojson(square_utm(10, 20, 5))
    collection["features"].append({"type": "Feature", "properties": {}, "geometry": geometry})
    pictures = opened(raster, collection)
    np.testing.assert_array_equal(all_masks(pictures.read("town_r0_c0").masks), [square(20, 10, 5)])
    (item, why), *others = pictures.skipped.reasons.items()
    assert item == "feature 1 of town.geojson"
    assert re.search(reason, why)
    assert not others


def test_one_place_beyond_the_earth_costs_no_other(raster: Path) -> None:
    in_degrees = transform_geom(UTM, "EPSG:4326", {"type": "Polygon", "coordinates": square_utm(10, 20, 25)})
    beyond = [[[500.0, 91.0], [501.0, 91.0], [501.0, 92.0], [500.0, 91.0]]]
    pictures = opened(raster, geojson(beyond, in_degrees["coordinates"], crs=None))
    assert len(pictures.read("town_r0_c0").masks) == 1
    assert list(pictures.skipped.reasons) == ["feature 0 of town.geojson"]


def test_masks_never_cover_pixels_without_data(tmp_path: Path) -> None:
    bands = noise_bands(*HW).clip(1)
    bands[:, :, :12] = 0
    raster = write_raster(tmp_path / "town.tif", bands, nodata=0)
    mask = opened(raster, geojson(square_utm(10, 20, 5))).read("town_r0_c0").masks[0]
    np.testing.assert_array_equal(mask, square(20, 10, 5) & (np.arange(90) >= 12))


def test_a_tile_without_data_is_named(tmp_path: Path) -> None:
    raster = write_raster(tmp_path / "town.tif", np.zeros((3, *HW), np.uint8), nodata=0)
    with pytest.raises(ImageError, match=r"the tile town_r0_c0 can't be used: .*has no data"):
        opened(raster, geojson(square_utm(10, 20, 5))).read("town_r0_c0")


def test_polygons_elsewhere_are_an_error(raster: Path) -> None:
    with pytest.raises(DatasetError, match=r"no polygon of .*town\.geojson lies on .*town\.tif"):
        opened(raster, geojson(square_utm(1000, 20, 5)))
    with pytest.raises(DatasetError, match="no polygon of"):
        opened(raster, geojson())


def test_a_raster_without_crs_is_an_error(tmp_path: Path) -> None:
    raster = write_raster(tmp_path / "town.tif", noise_bands(*HW), crs=None)
    with pytest.raises(DatasetError, match="has no CRS"):
        opened(raster, geojson(square_utm(10, 20, 5)))


def test_files_of_another_kind_are_errors(raster: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.geojson"
    text.write_text("{")
    with pytest.raises(DatasetError, match=r"text\.geojson can't be read as a vector layer"):
        LabelledRaster(raster, text)
    with pytest.raises(RasterError, match="can't be read as a raster"):
        LabelledRaster(text, text)


def test_the_buildings_of_kampala_have_their_areas(shared: Path) -> None:
    folder = shared / "data" / "geo" / "fair_oam"
    mosaic, buildings = folder / "kampalaA_z21_3072x2048.tif", folder / "kampalaA_buildings.geojson"
    features = json.loads(buildings.read_text())["features"]
    pictures = LabelledRaster(mosaic, buildings, tiling=Tiling(4096))
    masks = pictures.read(pictures.names[0]).masks
    assert len(masks) == len(features) == 107
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in features]
    with rasterio.open(mosaic) as opened_mosaic:
        m2_per_px = opened_mosaic.res[0] * opened_mosaic.res[1]
    for index in range(0, 107, 20):
        assert masks[index].sum() * m2_per_px == pytest.approx(shapes[index].area, rel=0.02, abs=40 * m2_per_px)


def test_the_halves_of_kampala_share_no_building_but_those_cut(shared: Path) -> None:
    folder = shared / "data" / "geo" / "fair_oam"
    files = folder / "kampalaA_z21_3072x2048.tif", folder / "kampalaA_buildings.geojson"
    halves = [
        LabelledRaster(*files, tiling=Tiling(2048, 0, part)) for part in (RasterPart(right=0.5), RasterPart(left=0.5))
    ]
    n_objects = [len(half.read(half.names[0]).masks) for half in halves]
    assert 107 <= sum(n_objects) < 125
    assert min(n_objects) > 30


def test_the_fields_in_a_custom_crs_lie_on_their_raster_once_it_is_stated(shared: Path) -> None:
    folder = shared / "data" / "geo" / "solaris_spacenet"
    files = folder / "sample_geotiff_custom_proj.tif", folder / "geotiff_custom_proj_labels.geojson"
    with pytest.raises(DatasetError, match=r"EPSG:4326 can't be brought to the raster's CRS"):
        LabelledRaster(*files)
    pictures = LabelledRaster(*files, polygons_crs="raster")
    picture = pictures.read(pictures.names[0])
    assert picture.image.shape == (512, 512, 3)
    assert len(picture.masks) == 19
    assert all(mask.any() for mask in all_masks(picture.masks))


def test_buildings_on_a_16_bit_raster_are_read(shared: Path) -> None:
    folder = shared / "data" / "geo" / "solaris_spacenet"
    pictures = LabelledRaster(folder / "sample_geotiff.tif", folder / "geotiff_labels.geojson", tiling=Tiling(512, 64))
    assert len(pictures.names) == 4
    assert all(pictures.read(name).image.std() > 10 for name in pictures.names)
