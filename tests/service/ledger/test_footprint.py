import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ledger_regions import HW, brush, polygon, rectangle, region, square
from numpy.typing import NDArray

from sam_backend.errors import MaskError
from sam_backend.label_studio.output_options import OutputOptions
from sam_backend.label_studio.shapes.around import ellipse_values
from sam_backend.label_studio.shapes.outline import polygon_values, vector_values
from sam_backend.label_studio.shapes.raster import bitmask_values
from sam_backend.label_studio.shapes.silhouette import Silhouette
from sam_backend.service.ledger.footprint import Footprint, footprint_of, is_object

masks = arrays(np.bool_, HW)
percents = st.floats(0, 100)


@st.composite
def rectangles(draw: st.DrawFn) -> dict[str, Any]:
    width, height = draw(st.floats(1, 60)), draw(st.floats(1, 60))
    return rectangle("r", draw(st.floats(0, 40)), draw(st.floats(0, 40)), width, height)


@given(one=masks, other=masks)
def test_iou_of_brush_masks_is_that_of_their_pixels(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> None:
    answered, submitted = footprint_of([brush("a", one)], HW), footprint_of([brush("b", other)], HW)
    either = (one | other).sum()
    assert answered.iou(submitted) == ((one & other).sum() / either if either else 1)
    assert answered.iou(submitted) == submitted.iou(answered)
    assert answered.is_same(submitted) == (one == other).all()


@given(one=rectangles(), other=rectangles())
def test_iou_of_rectangles_is_that_of_their_areas(one: dict[str, Any], other: dict[str, Any]) -> None:
    sides = []
    for axis, side in (("x", "width"), ("y", "height")):
        first, second = one["value"], other["value"]
        end = min(first[axis] + first[side], second[axis] + second[side])
        sides.append(max(0, end - max(first[axis], second[axis])))
    areas = [each["value"]["width"] * each["value"]["height"] for each in (one, other)]
    both = sides[0] * sides[1]
    iou = footprint_of([one], HW).iou(footprint_of([other], HW))
    assert iou == pytest.approx(both / (sum(areas) - both), abs=1e-9)


@given(mask=masks)
def test_footprint_read_back_is_the_same_one(mask: NDArray[np.bool_]) -> None:
    footprint = footprint_of([brush("a", mask)], HW)
    again = Footprint.from_bytes(footprint.to_bytes())
    assert again.is_same(footprint)
    assert (again.mask() == mask).all()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(lambda one, options: polygon_values(one, options), id="polygon"),
        pytest.param(lambda one, options: vector_values(one, options), id="vector"),
        pytest.param(lambda one, options: ellipse_values(one, options), id="ellipse"),
        pytest.param(lambda one, options: bitmask_values(one, options), id="bitmask"),
    ],
)
def test_answer_of_any_shape_covers_the_mask_and_survives_storage(values: Any) -> None:  # noqa: ANN401
    rows, columns = np.mgrid[: HW[0], : HW[1]] + 0.5
    mask = np.hypot((columns - 40) / 25, (rows - 30) / 15) < 1
    regions = [region("a", value, "any") for value in values(Silhouette(mask), OutputOptions())]
    footprint = footprint_of(regions, HW)
    assert footprint.iou(footprint_of([brush("b", mask)], HW)) > 0.95
    assert Footprint.from_bytes(footprint.to_bytes()).is_same(footprint)


def test_turned_rectangle_and_ellipse_are_turned_clockwise_in_pixels() -> None:
    turned = region("a", {"x": 50, "y": 50, "width": 10, "height": 10, "rotation": 90}, "rectangle")
    (ring_xy,) = footprint_of([turned], HW).rings_xy
    assert ring_xy.round(9).tolist() == [[40, 30], [40, 38], [34, 38], [34, 30]]
    ellipse = region("a", {"x": 50, "y": 50, "radiusX": 20, "radiusY": 10, "rotation": 90}, "ellipse")
    (ring_xy,) = footprint_of([ellipse], HW).rings_xy
    assert np.ptp(ring_xy, axis=0) == pytest.approx([12, 32])


def test_parts_of_one_object_count_together() -> None:
    parts = [brush("a", square(0, 0)), brush("a-0-1", square(10, 0))]
    assert footprint_of(parts, HW).mask().sum() == 600
    left, right = rectangle("b", 0, 0, 50, 50), rectangle("b-0-1", 25, 0, 50, 50)
    whole = footprint_of([rectangle("c", 0, 0, 75, 50)], HW)
    assert footprint_of([left, right], HW).iou(whole) == pytest.approx(1)


def test_last_digits_of_an_outline_may_differ_but_no_hundredth_of_a_pixel() -> None:
    answered = footprint_of([rectangle("a", 10, 10, 20, 20)], HW)
    assert answered.is_same(footprint_of([rectangle("a", 10 + 1e-12, 10, 20, 20)], HW))
    assert not answered.is_same(footprint_of([rectangle("a", 10.0125, 10, 20, 20)], HW))


def test_polygon_that_crosses_itself_has_an_area() -> None:
    bow = polygon("a", (0, 0), (50, 50), (50, 0), (0, 50))
    whole = footprint_of([polygon("b", (0, 0), (50, 0), (50, 50), (0, 50))], HW)
    assert footprint_of([bow], HW).iou(whole) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("regions", "wanted"),
    [
        pytest.param([rectangle("a") | {"original_width": 81}], "picture", id="another size"),
        pytest.param([{"id": "a"}], "picture", id="no size"),
        pytest.param([brush("a", square(0, 0)), rectangle("a-0-1")], "one tag", id="pixels and corners"),
        pytest.param([polygon("a", (0, 0), (1, 1))], "3 finite corners", id="two corners"),
        pytest.param([polygon("a", (0, 0), (1, 1), (math.inf, 0))], "3 finite corners", id="infinite"),
        pytest.param([region("a", {"points": "many"}, "polygon")], "no numbers", id="text"),
        pytest.param([region("a", {"points": [1, 2, 3]}, "polygon")], "no numbers", id="numbers"),
        pytest.param([region("a", {"vertices": [{}]}, "vector")], "no numbers", id="vertices without place"),
        pytest.param([region("a", {"x": 1}, "rectangle")], "no numbers", id="half a rectangle"),
        pytest.param([region("a", {"rle": [1, 2]}, "brush")], "cut off", id="damaged RLE"),
        pytest.param([region("a", {"imageDataURL": "nothing"}, "bitmask")], "damaged", id="damaged bitmask"),
    ],
)
def test_damaged_regions_are_named(regions: list[dict[str, Any]], wanted: str) -> None:
    with pytest.raises(MaskError, match=wanted):
        footprint_of(regions, HW)


def test_footprints_of_different_pictures_are_not_compared() -> None:
    with pytest.raises(MaskError, match="one picture"):
        footprint_of([rectangle("a")], HW).iou(Footprint((10, 10), rings_xy=()))


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        pytest.param({"x": 1, "y": 2, "width": 0.4}, False, id="key point"),
        pytest.param({"choices": ["a"]}, False, id="choice"),
        pytest.param(None, False, id="relation"),
        pytest.param({"x": 1, "y": 2, "width": 3, "height": 4}, True, id="rectangle"),
        pytest.param({"x": 1, "y": 2, "radiusX": 3, "radiusY": 4}, True, id="ellipse"),
        pytest.param({"points": []}, True, id="polygon"),
        pytest.param({"vertices": []}, True, id="vector"),
        pytest.param({"rle": []}, True, id="brush"),
        pytest.param({"imageDataURL": ""}, True, id="bitmask"),
    ],
)
def test_objects_are_what_covers_something(value: object, is_one: bool) -> None:
    assert is_object({"value": value}) is is_one
