import base64
import io
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from shape_cases import CONFIGS, IMAGE_HW, MASKS, disc, labelled, regions, unified

from sam_backend.label_studio.frame import percent_to_image_xy
from sam_backend.masks.png import decode_mask_png
from sam_backend.masks.polygons import polygons_to_mask
from sam_backend.masks.rle_brush import decode_brush_rle
from sam_backend.types import Polygon


def _value(mask: np.ndarray, config: str) -> dict[str, Any]:
    (region,) = regions(mask, config)
    return region["value"]


def _drawn(rings: list[dict[str, Any]], image_hw: tuple[int, int] = IMAGE_HW) -> np.ndarray:
    polygons = [Polygon(percent_to_image_xy(np.array(ring["value"]["points"]), image_hw)) for ring in rings]
    return polygons_to_mask(polygons, image_hw)


def _iou(mask: np.ndarray, other: np.ndarray) -> float:
    return (mask & other).sum() / (mask | other).sum()


def _turned_corners_xy(value: dict[str, Any]) -> np.ndarray:
    """As the editor draws a rectangle: turned clockwise about its corner, in pixels."""
    x, y, width, height = (
        value[name] / 100 * side for name, side in zip(("x", "y", "width", "height"), IMAGE_HW[::-1] * 2, strict=True)
    )
    cos, sin = math.cos(math.radians(value["rotation"])), math.sin(math.radians(value["rotation"]))
    offsets = [(0, 0), (width, 0), (width, height), (0, height)]
    return np.array([(x + right * cos - down * sin, y + right * sin + down * cos) for right, down in offsets])


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_every_region_is_strict_json_and_carries_its_label_only_if_its_tag_has_labels(
    mask: np.ndarray, config: str
) -> None:
    found = regions(mask, config)
    assert found
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert len({region["id"] for region in found}) == len(found)
    for region in found:
        labels = region["value"].get(region["type"])
        assert labels == (["Car"] if region["type"].endswith("labels") else None)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_brush_and_bitmask_are_the_mask_pixel_by_pixel(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(decode_brush_rle(_value(mask, unified("Brush"))["rle"], IMAGE_HW), mask)
    head, _, png = _value(mask, unified("Bitmask"))["imageDataURL"].partition(",")
    assert head == "data:image/png;base64"
    np.testing.assert_array_equal(decode_mask_png(base64.b64decode(png)), mask)


def test_bitmask_is_transparent_around_the_object_as_a_browser_reads_it_and_has_one_bit_a_pixel() -> None:
    png = base64.b64decode(_value(MASKS["ring"], labelled("Bitmask"))["imageDataURL"].partition(",")[2])
    with Image.open(io.BytesIO(png)) as picture:
        rgba = np.asarray(picture.convert("RGBA"))
    np.testing.assert_array_equal(rgba[..., 3], np.where(MASKS["ring"], 255, 0))
    assert rgba[MASKS["ring"]].min() == 255
    assert (rgba.shape[:2], png[24]) == (IMAGE_HW, 1)  # the header's bit depth


@pytest.mark.parametrize("name", ["disc", "two parts", "at the right edge", "whole picture", "one pixel"])
def test_polygons_are_closed_inside_the_picture_and_draw_the_mask(name: str) -> None:
    rings = regions(MASKS[name], labelled("Polygon"))
    for ring in rings:
        points = np.array(ring["value"]["points"])
        assert ring["value"]["closed"] is True
        assert len(points) >= 3
        assert points.min() >= 0
        assert points.max() <= 100
    assert _iou(_drawn(rings), MASKS[name]) > 0.98


@given(st.floats(0.8, 60), st.floats(10, 110), st.floats(10, 80))
def test_polygon_of_any_disc_draws_it_again(radius: float, x: float, y: float) -> None:
    mask = disc(radius, (x, y))
    assert _iou(_drawn(regions(mask, labelled("Polygon", 'model_simplify_px="4"'))), mask) > 0.94
    assert _iou(_drawn(regions(mask, labelled("Polygon", 'model_simplify_px="0"'))), mask) == 1


def test_vector_has_the_corners_of_the_polygon_in_a_chain() -> None:
    points = _value(disc(30), labelled("Polygon"))["points"]
    value = _value(disc(30), labelled("Vector"))
    vertices = value["vertices"]
    assert value["closed"] is True
    assert [[vertex["x"], vertex["y"]] for vertex in vertices] == points
    assert vertices[0]["prevPointId"] is None
    assert [vertex["prevPointId"] for vertex in vertices[1:]] == [vertex["id"] for vertex in vertices[:-1]]
    assert not any(vertex["isBezier"] for vertex in vertices)


def test_hole_is_filled_or_cut_open_as_the_config_says() -> None:
    filled, cut = (regions(MASKS["ring"], labelled("Polygon", f'model_holes="{policy}"')) for policy in ("fill", "cut"))
    assert _iou(_drawn(filled), disc(40)) > 0.98
    assert _iou(_drawn(cut), MASKS["ring"]) > 0.98
    assert len(filled) == len(cut) == 1


def test_every_part_or_the_largest_is_answered_as_the_config_says() -> None:
    config = labelled("Polygon", 'model_parts="largest"')
    both, largest = regions(MASKS["two parts"], labelled("Polygon")), regions(MASKS["two parts"], config)
    assert [len(both), len(largest)] == [2, 1]
    assert _iou(_drawn(largest), disc(12, (30, 45))) > 0.97
    assert _value(MASKS["two parts"], labelled("Rectangle"))["width"] == pytest.approx(81 / 1.2)
    assert _value(MASKS["two parts"], labelled("Rectangle", 'model_parts="largest"'))["width"] == pytest.approx(20)


def test_specks_beside_an_object_are_no_parts_of_it() -> None:
    mask = disc(30)
    mask[0, 0] = True
    assert _iou(_drawn(regions(mask, labelled("Polygon"))), disc(30)) > 0.98
    assert _value(mask, labelled("Rectangle"))["x"] == 25


def test_rectangle_lies_upright_around_the_object() -> None:
    value = _value(disc(30), unified("Rectangle"))
    assert value == {"x": 25, "y": pytest.approx(100 / 6), "width": 50, "height": pytest.approx(200 / 3), "rotation": 0}


@given(st.floats(10, 25), st.floats(4, 8), st.floats(0, 180))
def test_turned_rectangle_is_found_where_it_was(half_width: float, half_height: float, rotation_deg: float) -> None:
    y, x = np.mgrid[: IMAGE_HW[0], : IMAGE_HW[1]] + 0.5
    cos, sin = math.cos(math.radians(rotation_deg)), math.sin(math.radians(rotation_deg))
    along, across = (x - 60) * cos + (y - 45) * sin, (y - 45) * cos - (x - 60) * sin
    mask = (np.abs(along) < half_width) & (np.abs(across) < half_height)
    value = _value(mask, labelled("Rectangle", 'model_rotated="true"'))
    drawn = polygons_to_mask([Polygon(_turned_corners_xy(value))], IMAGE_HW)
    assert 0 <= value["rotation"] < 360
    assert not (mask & ~drawn).any()
    assert drawn.sum() < mask.sum() + 3 * (half_width + half_height) + 20


def test_turned_rectangle_at_the_edge_is_told_from_a_corner_in_the_picture() -> None:
    corner = np.triu(np.ones(IMAGE_HW, np.bool_), 60)  # a triangle in the upper right
    value = _value(corner, labelled("Rectangle", 'model_rotated="true"'))
    assert all(0 <= value[name] <= 100 for name in ("x", "y", "width", "height"))
    assert not (corner & ~polygons_to_mask([Polygon(_turned_corners_xy(value))], IMAGE_HW)).any()


def test_rectangle_longer_than_label_studio_allows_is_told_upright() -> None:
    value = _value(MASKS["diagonal"], labelled("Rectangle", 'model_rotated="true"'))
    assert value["rotation"] == 0
    assert value["width"] > 95


def test_ellipse_of_a_disc_is_round_in_pixels() -> None:
    value = _value(disc(30), labelled("Ellipse"))
    assert (value["x"], value["y"]) == (pytest.approx(50), pytest.approx(50))
    assert value["radiusX"] * 1.2 == pytest.approx(30, abs=0.3)
    assert value["radiusY"] * 0.9 == pytest.approx(30, abs=0.3)


def test_ellipse_of_the_whole_picture_is_cut_at_half_of_it() -> None:
    value = _value(MASKS["whole picture"], labelled("Ellipse"))
    assert (value["radiusX"], value["radiusY"]) == (50, 50)


def test_shapes_lie_on_the_picture_as_the_editor_knows_it() -> None:
    (region,) = regions(disc(30), labelled("Polygon"), original_hw=(180, 120))
    drawn = _drawn([region], (180, 120))
    assert (region["original_height"], region["original_width"]) == (180, 120)
    assert _iou(drawn, disc(30).repeat(2, axis=0)) > 0.97


def test_id_that_is_given_is_that_of_the_first_region_and_the_others_keep_theirs_too() -> None:
    config = CONFIGS["several shapes of one object"]
    refined = {region["from_name"]: region["id"] for region in regions(disc(30), config, region_id="r")}
    parts = {region["from_name"]: region["id"] for region in reversed(regions(MASKS["two parts"], config, "r"))}
    assert refined["Polygon"] == "r"
    assert parts == refined
    assert regions(disc(30), config)[0]["id"] != regions(disc(30), config)[0]["id"]


def test_object_without_a_pixel_or_below_the_threshold_is_not_answered() -> None:
    assert regions(np.zeros(IMAGE_HW, np.bool_), labelled("Brush")) == []
    assert regions(disc(30), labelled("Brush", 'model_score_threshold="0.76"')) == []
    assert len(regions(disc(30), labelled("Brush", 'model_score_threshold="0.75"'))) == 1
