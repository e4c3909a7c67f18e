import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.features import rasterize
from shapely.affinity import rotate

from sam_backend.geo.outlines import Polygonal, outline_of, overlap_iou
from sam_backend.geo.right_angles import main_direction_rad, right_angled
from sam_backend.geo.tiles import PlacedMask

L_SHAPE = shapely.Polygon([(30, 30), (100, 30), (100, 65), (70, 65), (70, 110), (30, 110)])
COURTYARD = shapely.box(30, 30, 110, 110) - shapely.box(50, 50, 90, 80)


def _in_pixels(shape: shapely.Geometry) -> Polygonal:
    return outline_of(PlacedMask(0, 0, rasterize([shape], out_shape=(150, 150)) > 0), largest_piece_only=False)


def _corner_degrees(ring: shapely.LinearRing) -> np.ndarray:
    steps = np.diff(shapely.get_coordinates(ring), axis=0)
    bearings = np.arctan2(steps[:, 1], steps[:, 0])
    return np.degrees(np.abs((np.diff(np.append(bearings, bearings[0])) + np.pi) % (2 * np.pi) - np.pi))


@pytest.mark.parametrize("degrees", [0, 3, 17, 44, 45, 61, 90])
@pytest.mark.parametrize(("shape", "n_corners"), [(L_SHAPE, 6), (COURTYARD, 8)], ids=["L", "courtyard"])
def test_a_building_of_right_angles_comes_back_with_its_corners(
    shape: shapely.Polygon, n_corners: int, degrees: float
) -> None:
    true = rotate(shape, degrees)
    squared = right_angled(_in_pixels(true))
    assert squared is not None
    rings = [squared.exterior, *squared.interiors]
    assert sum(len(ring.coords) - 1 for ring in rings) == n_corners
    assert all(np.allclose(_corner_degrees(ring), 90) for ring in rings)
    assert overlap_iou(squared, true) > 0.98
    assert squared.area == pytest.approx(true.area, rel=0.01)


@pytest.mark.parametrize("degrees", [-40, -10, 0, 25, 44])
def test_the_main_direction_is_that_of_the_long_sides(degrees: float) -> None:
    ring = rotate(shapely.box(0, 0, 50, 20), degrees).exterior
    assert np.degrees(main_direction_rad(shapely.get_coordinates(ring))) == pytest.approx(degrees)


def test_two_buildings_in_one_outline_are_both_squared() -> None:
    pair = shapely.MultiPolygon([rotate(shapely.box(10, 10, 50, 40), 10), rotate(shapely.box(80, 80, 130, 120), 30)])
    squared = right_angled(_in_pixels(pair))
    assert squared is not None
    assert [len(piece.exterior.coords) for piece in squared.geoms] == [5, 5]


@pytest.mark.parametrize(
    "shape",
    [
        shapely.LineString([(20, 20), (75, 130), (130, 20)]).buffer(4),
        shapely.Polygon([(10, 10), (140, 10), (140, 140)]),
    ],
    ids=["a bent road", "a triangle"],
)
def test_what_has_no_right_angles_is_left_alone(shape: shapely.Polygon) -> None:
    assert right_angled(_in_pixels(shape)) is None


def test_an_empty_outline_has_no_angles() -> None:
    assert right_angled(shapely.Polygon()) is None


@given(arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14))), st.floats(0.5, 5))
def test_what_is_squared_is_valid_and_near(mask: np.ndarray, min_edge_px: float) -> None:
    outline = outline_of(PlacedMask(0, 0, np.kron(mask, np.ones((3, 3), np.bool_))))
    squared = right_angled(outline, min_edge_px)
    if squared is not None:
        assert squared.is_valid
        assert overlap_iou(squared, outline) >= 0.85
