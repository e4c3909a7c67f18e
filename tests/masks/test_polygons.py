from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sample_masks import SAMPLES, any_mask, disc, drawn, noise
from scipy import ndimage

from sam_backend.errors import MaskError
from sam_backend.masks.polygons import mask_to_polygons, polygons_to_mask, simplify_polygon
from sam_backend.types import Polygon


def as_shapely(polygon: Polygon) -> shapely.Polygon:
    return shapely.Polygon(polygon.exterior_xy, polygon.holes_xy)


def rings(polygon: Polygon) -> list[NDArray[np.float64]]:
    return [polygon.exterior_xy, *polygon.holes_xy]


def assert_exact_outlines(mask: NDArray[np.bool_]) -> None:
    polygons = mask_to_polygons(mask)
    shapes = [as_shapely(polygon) for polygon in polygons]
    areas = [shape.area for shape in shapes]
    assert len(polygons) == ndimage.label(mask)[1]  # its default is 4-connectivity
    assert sum(areas) == mask.sum()
    assert areas == sorted(areas, reverse=True)
    assert all(shape.is_valid for shape in shapes)
    np.testing.assert_array_equal(polygons_to_mask(polygons, mask.shape), mask)


def test_a_sample_is_outlined_exactly_and_filled_again(sample: NDArray[np.bool_]) -> None:
    assert_exact_outlines(sample)


@given(mask=any_mask)
def test_any_mask_is_outlined_exactly_and_filled_again(mask: NDArray[np.bool_]) -> None:
    assert_exact_outlines(mask)


def test_large_blocky_noise_is_outlined_exactly_and_filled_again() -> None:
    assert_exact_outlines(np.kron(noise(100, 150), np.ones((10, 10), np.bool_)))


def test_the_outline_of_a_pixel_has_half_open_corners() -> None:
    (polygon,) = mask_to_polygons(drawn("......", "......", ".....#"))
    assert sorted(polygon.exterior_xy.tolist()) == [[5, 2], [5, 3], [6, 2], [6, 3]]
    assert polygon.holes_xy == ()


def test_an_empty_mask_has_no_polygons_and_none_make_an_empty_mask() -> None:
    assert mask_to_polygons(SAMPLES["empty"]) == []
    assert not polygons_to_mask([], (5, 7)).any()
    assert polygons_to_mask([], (5, 7)).shape == (5, 7)


def test_a_hole_and_the_island_in_it_are_told_apart() -> None:
    ring, island = mask_to_polygons(SAMPLES["hole-with-island"])
    assert [len(ring.holes_xy), len(island.holes_xy)] == [1, 0]
    assert as_shapely(ring).area == 16
    assert as_shapely(island).area == 1


def test_blobs_touching_diagonally_are_two_polygons() -> None:
    assert len(mask_to_polygons(SAMPLES["blobs-touching-diagonally"])) == 2


def test_rings_are_not_closed_by_repeating_a_corner(sample: NDArray[np.bool_]) -> None:
    for polygon in mask_to_polygons(sample):
        for ring_xy in rings(polygon):
            assert ring_xy.dtype == np.float64
            assert ring_xy[0].tolist() != ring_xy[-1].tolist()


def signed_area_on_screen(ring_xy: NDArray[np.float64]) -> float:
    """Positive where the ring runs counter-clockwise as seen with y down."""
    x, y = ring_xy.T
    return float(np.sum(np.roll(x, -1) * y - x * np.roll(y, -1)) / 2)


def assert_orientation(polygon: Polygon) -> None:
    assert signed_area_on_screen(polygon.exterior_xy) > 0
    assert all(signed_area_on_screen(hole_xy) < 0 for hole_xy in polygon.holes_xy)


@given(mask=any_mask, tolerance_px=st.sampled_from([0.0, 1.5]))
def test_exteriors_run_counter_clockwise_on_the_screen_and_holes_clockwise(
    mask: NDArray[np.bool_], tolerance_px: float
) -> None:
    for polygon in mask_to_polygons(mask):
        assert_orientation(polygon)
        assert_orientation(simplify_polygon(polygon, tolerance_px))


def test_simplifying_turns_rings_of_the_other_orientation() -> None:
    clockwise = Polygon(exterior_xy=np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]]))
    assert_orientation(simplify_polygon(clockwise, 0.5))


@given(mask=any_mask, tolerance_px=st.floats(0, 50))
def test_a_simplified_polygon_is_valid_and_keeps_its_holes(mask: NDArray[np.bool_], tolerance_px: float) -> None:
    for polygon in mask_to_polygons(mask):
        simplified = simplify_polygon(polygon, tolerance_px)
        assert as_shapely(simplified).is_valid
        assert as_shapely(simplified).area > 0
        assert len(simplified.holes_xy) == len(polygon.holes_xy)
        for ring_xy, before_xy in zip(rings(simplified), rings(polygon), strict=True):
            assert 3 <= len(ring_xy) <= len(before_xy)


def test_a_simplified_disc_has_few_corners_and_stays_within_the_tolerance() -> None:
    (polygon,) = mask_to_polygons(disc(200, 300, 80.0))
    simplified = simplify_polygon(polygon, 1.0)
    assert len(simplified.exterior_xy) < len(polygon.exterior_xy) / 5
    outlines = as_shapely(polygon).exterior, as_shapely(simplified).exterior
    assert shapely.hausdorff_distance(*outlines, densify=0.01) <= 1.0


@pytest.mark.parametrize("tolerance_px", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_that_is_none_is_refused(tolerance_px: float) -> None:
    (polygon,) = mask_to_polygons(SAMPLES["one-pixel"])
    with pytest.raises(MaskError, match="a tolerance is a finite number of pixels, 0 or more"):
        simplify_polygon(polygon, tolerance_px)


def test_what_lies_outside_the_picture_is_left_away() -> None:
    polygon = Polygon(exterior_xy=np.array([[-5.0, 1.0], [2.0, 1.0], [2.0, 9.0], [-5.0, 9.0]]))
    np.testing.assert_array_equal(polygons_to_mask([polygon], (3, 4)), drawn("....", "##..", "##.."))


def test_overlapping_polygons_make_their_union() -> None:
    wide = Polygon(exterior_xy=np.array([[0.0, 1.0], [3.0, 1.0], [3.0, 2.0], [0.0, 2.0]]))
    high = Polygon(exterior_xy=np.array([[1.0, 0.0], [2.0, 0.0], [2.0, 3.0], [1.0, 3.0]]))
    np.testing.assert_array_equal(polygons_to_mask([wide, high], (3, 3)), drawn(".#.", "###", ".#."))


TRIANGLE = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
WRONG_POLYGONS = {
    "two-corners": (Polygon(exterior_xy=TRIANGLE[:2]), "3 corners or more"),
    "flat-list": (Polygon(exterior_xy=TRIANGLE.ravel()), r"got the shape \(6,\)"),
    "with-z": (Polygon(exterior_xy=np.ones((4, 3))), r"got the shape \(4, 3\)"),
    "nan": (Polygon(exterior_xy=TRIANGLE * np.nan), "finite coordinates"),
    "hole-of-two-corners": (Polygon(exterior_xy=TRIANGLE, holes_xy=(TRIANGLE[:2],)), "3 corners or more"),
}


@pytest.mark.parametrize(("polygon", "message"), WRONG_POLYGONS.values(), ids=WRONG_POLYGONS.keys())
def test_a_ring_that_is_none_is_refused(polygon: Polygon, message: str) -> None:
    with pytest.raises(MaskError, match=message):
        polygons_to_mask([polygon], (5, 5))
    with pytest.raises(MaskError, match=message):
        simplify_polygon(polygon, 1.0)


def test_a_size_that_is_none_is_refused() -> None:
    wrong: Any = (5.5, 5)
    with pytest.raises(MaskError, match="two integers"):
        polygons_to_mask([], wrong)
