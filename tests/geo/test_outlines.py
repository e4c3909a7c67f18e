import numpy as np
import pytest
import shapely
import shapely.affinity
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.features import rasterize

from sam_backend.errors import OptionsError
from sam_backend.geo.outlines import outline_of, overlap_iou
from sam_backend.geo.simplify import simplify_outline
from sam_backend.geo.tiles import PlacedMask

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14)))
"""Salt and pepper: holes, islands in holes and corners that touch are all in it."""

PLACES_PX = st.integers(0, 50_000)


def _ring_mask() -> np.ndarray:
    mask = np.ones((9, 9), np.bool_)
    mask[2:5, 2:5] = False  # a hole of 9 px
    mask[7, 7] = False  # a hole of 1 px
    return mask


@given(MASKS, PLACES_PX, PLACES_PX)
def test_an_outline_filled_again_is_the_mask(mask: np.ndarray, left_px: int, top_px: int) -> None:
    outline = outline_of(PlacedMask(left_px, top_px, mask), largest_piece_only=False)
    assert outline.is_valid
    assert outline.area == mask.sum()
    if mask.any():
        place = Affine.translation(left_px, top_px)
        np.testing.assert_array_equal(rasterize([outline], out_shape=mask.shape, transform=place), mask)


@given(MASKS)
def test_the_largest_piece_is_one_polygon_of_the_mask(mask: np.ndarray) -> None:
    piece = outline_of(PlacedMask(0, 0, mask))
    whole = outline_of(PlacedMask(0, 0, mask), largest_piece_only=False)
    assert piece.geom_type == "Polygon"
    assert piece.area == max((part.area for part in shapely.get_parts(whole)), default=0)
    assert shapely.covers(whole, piece) or not mask.any()


@pytest.mark.parametrize(("min_hole_px2", "n_holes"), [(0, 2), (1, 2), (2, 1), (9, 1), (10, 0)])
def test_holes_are_kept_from_a_minimum(min_hole_px2: float, n_holes: int) -> None:
    outline = outline_of(PlacedMask(0, 0, _ring_mask()), min_hole_px2)
    assert len(outline.interiors) == n_holes


def test_nothing_in_the_mask_makes_an_empty_outline() -> None:
    outline = outline_of(PlacedMask(3, 4, np.zeros((2, 2), np.bool_)))
    assert outline.is_empty
    assert overlap_iou(outline, outline) == 0


@given(MASKS, st.floats(0, 5))
def test_a_simplified_outline_is_valid_and_near(mask: np.ndarray, tolerance_px: float) -> None:
    outline = outline_of(PlacedMask(0, 0, mask), largest_piece_only=False)
    simplified = simplify_outline(outline, tolerance_px)
    assert simplified.is_valid
    assert simplified == outline or overlap_iou(simplified, outline) >= 0.9
    assert shapely.get_num_geometries(simplified) == shapely.get_num_geometries(outline)
    assert shapely.get_num_coordinates(simplified) <= shapely.get_num_coordinates(outline)


def test_a_turned_square_keeps_its_four_corners() -> None:
    turned = shapely.affinity.rotate(shapely.box(20, 20, 70, 70), 17)
    mask = rasterize([turned], out_shape=(90, 90)) > 0
    outline = outline_of(PlacedMask(0, 0, mask))
    simplified = simplify_outline(outline)
    assert len(outline.exterior.coords) > 50
    assert len(simplified.exterior.coords) <= 7
    assert overlap_iou(simplified, turned) > 0.97


def test_a_pixel_stays_a_pixel() -> None:
    pixel = outline_of(PlacedMask(7, 5, np.ones((1, 1), np.bool_)))
    assert simplify_outline(pixel, 10.0).equals(shapely.box(7, 5, 8, 6))


@pytest.mark.parametrize("tolerance_px", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_that_is_none_is_said(tolerance_px: float) -> None:
    with pytest.raises(OptionsError, match="a tolerance is a finite number of pixels"):
        simplify_outline(shapely.box(0, 0, 1, 1), tolerance_px)
