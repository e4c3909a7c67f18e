import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.warp import transform as to_crs

from sam_backend.errors import LayerError
from sam_backend.geo.area_of_interest import read_area_of_interest
from sam_backend.geo.frame import pixel_to_map_xy
from sam_backend.geo.prompt_layer import MASK_LOGIT, FeaturePrompt, PromptKind, read_prompt_layer
from sam_backend.geo.prompt_tiles import assign_to_tiles
from sam_backend.geo.tiles import PixelRect, TileGrid

UTM = CRS.from_epsg(32636)
TRANSFORM = Affine(0.5, 0, 300_000, 0, -0.5, 5_000_000)
WriteLayer = Callable[..., Path]


@pytest.fixture
def write_layer(tmp_path: Path) -> WriteLayer:
    """Write shapes in px of the raster as a layer in another CRS, with an attribute each."""

    def write(*shapes: shapely.Geometry, crs: str = "EPSG:4326", ending: str = ".gpkg") -> Path:
        def placed(xy: np.ndarray) -> np.ndarray:
            return np.stack(to_crs(UTM, crs, *pixel_to_map_xy(xy, TRANSFORM).T), axis=-1)

        wkb = shapely.to_wkb(np.array([shapely.transform(shape, placed) for shape in shapes]))
        names = np.array([f"house {number}" for number in range(len(shapes))], object)
        storeys = np.arange(len(shapes))
        path = tmp_path / f"layer{ending}"
        pyogrio.raw.write(path, wkb, [names, storeys], ["name", "storeys"], geometry_type="Unknown", crs=crs)
        return path

    return write


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32636", "EPSG:3857"])
@pytest.mark.parametrize("ending", [".gpkg", ".geojson", ".fgb"])
def test_points_are_clicks_with_the_attributes_of_their_feature(ending: str, crs: str, write_layer: WriteLayer) -> None:
    path = write_layer(shapely.Point(10, 20), shapely.MultiPoint([(5, 6), (7, 8)]), crs=crs, ending=ending)
    layer = read_prompt_layer(path, PromptKind.POINTS, TRANSFORM, UTM)
    first, second = sorted(layer.prompts, key=lambda prompt: len(prompt.points_xy))
    np.testing.assert_allclose(first.points_xy, [[10, 20]], atol=0.01)
    np.testing.assert_allclose(second.points_xy, [[5, 6], [7, 8]], atol=0.01)
    assert layer.attributes[first.feature_id] == {"name": "house 0", "storeys": 0}
    assert layer.attributes[second.feature_id] == {"name": "house 1", "storeys": 1}
    assert not layer.skipped


def test_polygons_are_boxes_or_outlines(write_layer: WriteLayer) -> None:
    path = write_layer(shapely.Polygon([(10, 10), (60, 10), (60, 20), (20, 20), (20, 50), (10, 50)]))
    (box,) = read_prompt_layer(path, PromptKind.BOXES, TRANSFORM, UTM).prompts
    (outline,) = read_prompt_layer(path, PromptKind.POLYGONS, TRANSFORM, UTM).prompts
    np.testing.assert_allclose(box.bounds_xyxy, [10, 10, 60, 50], atol=0.01)
    assert len(box.points_xy) == 0
    assert outline.polygon is not None
    np.testing.assert_allclose(outline.bounds_xyxy, [10, 10, 60, 50], atol=0.01)
    assert outline.polygon.contains(shapely.Point(outline.points_xy[0]))


def test_prompts_go_into_a_tile(write_layer: WriteLayer) -> None:
    path = write_layer(shapely.box(110, 210, 160, 250))
    (outline,) = read_prompt_layer(path, PromptKind.POLYGONS, TRANSFORM, UTM).prompts
    rect = PixelRect(100, 200, 228, 328)
    prompts = outline.prompts_in(rect)
    assert prompts.box_xyxy is not None
    np.testing.assert_allclose(prompts.box_xyxy, [10, 10, 60, 50], atol=0.01)
    assert prompts.is_foreground.all()
    assert (np.array([10, 10]) < prompts.points_xy[0]).all()
    logits = outline.mask_logits_in(rect, model_size=256, low_res_size=64)
    wanted = np.full((64, 64), -MASK_LOGIT)
    wanted[5:25, 5:30] = MASK_LOGIT
    np.testing.assert_allclose(logits, wanted, atol=1e-3)
    (box,) = read_prompt_layer(path, PromptKind.BOXES, TRANSFORM, UTM).prompts
    with pytest.raises(LayerError, match="has no outline to make a mask prompt of"):
        box.mask_logits_in(rect, 256, 64)


def test_a_hole_is_no_part_of_the_mask_prompt() -> None:
    ring = shapely.Polygon(shapely.box(0, 0, 64, 64).exterior, [shapely.box(16, 16, 48, 48).exterior])
    prompt = FeaturePrompt(1, np.array([[4.0, 4]]), np.array([0.0, 0, 64, 64]), shapely.MultiPolygon([ring]))
    logits = prompt.mask_logits_in(PixelRect(0, 0, 64, 64), 64, 16)
    assert (logits[4:12, 4:12] == -MASK_LOGIT).all()
    assert logits[0, 0] == MASK_LOGIT


def test_features_of_another_kind_are_named(tmp_path: Path) -> None:
    geometries = [
        {"type": "Point", "coordinates": [10, 20]},
        {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 0]]]},
        {"type": "LineString", "coordinates": [[0, 0], [9, 0]]},
        None,
    ]
    features = [{"type": "Feature", "properties": {}, "geometry": geometry} for geometry in geometries]
    path = tmp_path / "mixed.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    identity = Affine.identity()
    points = read_prompt_layer(path, PromptKind.POINTS, identity, None, stated_crs="raster")
    assert [prompt.feature_id for prompt in points.prompts] == [0]
    assert points.skipped[1] == "it is a Polygon, where a point is wanted"
    assert points.skipped[3] == "its geometry is missing or damaged"
    boxes = read_prompt_layer(path, PromptKind.BOXES, identity, None, stated_crs="raster")
    assert [prompt.feature_id for prompt in boxes.prompts] == [1]
    assert "less than 1 px" in boxes.skipped[2]
    outlines = read_prompt_layer(path, PromptKind.POLYGONS, identity, None, stated_crs="raster")
    assert list(outlines.skipped) == [0, 2, 3]


def test_a_line_is_a_box_but_no_outline(write_layer: WriteLayer) -> None:
    path = write_layer(shapely.LineString([(10, 10), (60, 10), (60, 40), (10, 10)]), shapely.box(5, 5, 30, 30))
    outlines = read_prompt_layer(path, PromptKind.POLYGONS, TRANSFORM, UTM)
    assert list(outlines.skipped.values()) == [
        "it is a LineString, and a line is no outline: buffer or polygonise it, or take the box around it (kind boxes)"
    ]
    assert len(read_prompt_layer(path, PromptKind.BOXES, TRANSFORM, UTM).prompts) == 2


@pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")
def test_a_layer_without_a_crs_is_in_the_coordinates_of_a_raster_without_one_alone(tmp_path: Path) -> None:
    path = tmp_path / "clicks.shp"
    pyogrio.raw.write(path, shapely.to_wkb(np.array([shapely.Point(3, 4)])), [], [], geometry_type="Point", crs=None)
    (click,) = read_prompt_layer(path, PromptKind.POINTS, Affine.identity(), None).prompts
    assert click.points_xy.tolist() == [[3, 4]]
    cure = r"assign its own, e\.g\. EPSG:4326 \(ogr2ogr -a_srs EPSG:4326 OUT\.gpkg clicks\.shp\)"
    with pytest.raises(LayerError, match=cure):
        read_prompt_layer(path, PromptKind.POINTS, TRANSFORM, UTM)


def test_a_layer_with_a_crs_cannot_be_placed_on_a_raster_without_one(write_layer: WriteLayer) -> None:
    with pytest.raises(LayerError, match=r"assign one \(gdal_edit\.py .* \(ogr2ogr -a_srs NONE OUT\.fgb layer\.gpkg\)"):
        read_prompt_layer(write_layer(shapely.Point(3, 4)), PromptKind.POINTS, TRANSFORM, None)


def test_a_place_beyond_the_earth_costs_no_other(tmp_path: Path) -> None:
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": corner}}
        for corner in ([500.0, 91.0], [30.46, 45.12])
    ]
    path = tmp_path / "points.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    layer = read_prompt_layer(path, PromptKind.POINTS, TRANSFORM, UTM)
    assert [prompt.feature_id for prompt in layer.prompts] == [1]
    assert "no place in the raster's CRS" in layer.skipped[0]
    square = {"type": "Polygon", "coordinates": [[[500, 91], [501, 91], [501, 92], [500, 91]]]}
    path.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": square}))
    with pytest.raises(LayerError, match=r"feature 0 of points\.geojson has no place in the raster's CRS"):
        read_area_of_interest(path, UTM)


def test_layers_that_cannot_be_used_are_said(write_layer: WriteLayer, tmp_path: Path) -> None:
    points = write_layer(shapely.Point(3, 3))
    with pytest.raises(LayerError, match=r"holds no polygon: give the area of interest"):
        read_area_of_interest(points, UTM)
    with pytest.raises(LayerError, match=r"holds no prompt of the kind polygons \(feature 1: it is a Point"):
        read_prompt_layer(points, PromptKind.POLYGONS, TRANSFORM, UTM)
    with pytest.raises(LayerError, match="can't be read as a vector layer"):
        read_area_of_interest(tmp_path / "missing.gpkg", UTM)
    with pytest.raises(LayerError, match="the layer's CRS 'Atlantis' isn't known"):
        read_area_of_interest(points, UTM, stated_crs="Atlantis")


def test_an_area_is_the_union_of_its_polygons(write_layer: WriteLayer) -> None:
    path = write_layer(shapely.box(0, 0, 50, 50), shapely.box(40, 0, 90, 50), crs="EPSG:3857")
    assert read_area_of_interest(path, UTM).area == pytest.approx(90 * 50 * 0.25, rel=1e-3)


def prompt_at(fid: int, x0: float, y0: float, x1: float, y1: float) -> FeaturePrompt:
    return FeaturePrompt(fid, np.zeros((0, 2)), np.array([x0, y0, x1, y1], np.float64))


@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    overlap_px=st.integers(0, 60),
    left=st.floats(0, 390),
    top=st.floats(0, 390),
    side=st.floats(1, 66),
)
def test_every_prompt_is_shown_whole_by_one_view_as_near_its_middle_as_can_be(
    width: int, height: int, overlap_px: int, left: float, top: float, side: float
) -> None:
    grid = TileGrid(width, height, 64, overlap_px)
    prompt = prompt_at(7, left, top, left + side, top + side)
    assigned = assign_to_tiles([prompt], grid)
    if left > width or top > height:
        assert assigned.refused == {7: "it lies outside the raster"}
        return
    x0, y0, x1, y1 = prompt.bounds_xyxy.clip(0, [width, height, width, height])
    if max(math.ceil(x1) - math.floor(x0), math.ceil(y1) - math.floor(y0)) > grid.tile_px:
        assert assigned.refused[7].startswith("it spans")  # 64 px at a fractional place touch 65
        return
    (view,) = assigned.views
    assert view.rect.left_px <= x0
    assert view.rect.top_px <= y0
    assert x1 <= view.rect.right_px
    assert y1 <= view.rect.bottom_px
    assert PixelRect(0, 0, width, height).intersection(view.rect) == view.rect

    def distance(rect: PixelRect) -> float:
        return float(np.hypot(rect.left_px + rect.right_px - x0 - x1, rect.top_px + rect.bottom_px - y0 - y1))

    if view.tile_index is not None:
        assert view.rect == grid.tile(view.tile_index).rect
        assert distance(view.rect) <= min(distance(tile.rect) for tile in grid) + 1e-6


def test_prompts_that_no_view_can_show_are_named() -> None:
    grid = TileGrid(400, 300, 64, 16)
    click_outside = FeaturePrompt(3, np.array([[5.0, 5], [-2, 5]]))
    assigned = assign_to_tiles(
        [prompt_at(1, 0, 0, 100, 20), prompt_at(2, 500, 0, 510, 9), click_outside, prompt_at(4, 5, 5, 9, 9)], grid
    )
    assert assigned.refused[1].startswith("it spans 100 x 20 px, more than a tile of 64 px: give larger tiles")
    assert assigned.refused[2] == "it lies outside the raster"
    assert assigned.refused[3] == "one of its points lies outside the raster"
    assert [view.tile_index for view in assigned.views] == [0]
