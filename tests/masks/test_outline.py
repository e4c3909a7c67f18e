import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.masks.one_ring import cut_open
from sam_backend.masks.outline import faithful_outline
from sam_backend.masks.polygons import mask_to_polygons, polygons_to_mask, simplify_polygon
from sam_backend.types import Polygon


def _disc(radius: float, image_hw: tuple[int, int] = (120, 120)) -> np.ndarray:
    y, x = np.mgrid[: image_hw[0], : image_hw[1]] + 0.5
    return (x - 60.3) ** 2 + (y - 58.7) ** 2 <= radius**2


def _iou(mask: np.ndarray, other: np.ndarray) -> float:
    return (mask & other).sum() / (mask | other).sum()


@given(st.floats(1, 55), st.floats(0, 20))
def test_disc_of_any_size_is_kept_to_98_percent_at_any_tolerance(radius: float, tolerance_px: float) -> None:
    (polygon,) = mask_to_polygons(_disc(radius))
    outline = faithful_outline(polygon, tolerance_px)
    exact, drawn = (shapely.Polygon(each.exterior_xy) for each in (polygon, outline))
    assert exact.intersection(drawn).area / exact.union(drawn).area >= 0.985
    assert len(outline.exterior_xy) <= len(polygon.exterior_xy)


def test_large_object_is_simplified_as_far_as_was_asked() -> None:
    (polygon,) = mask_to_polygons(_disc(50))
    np.testing.assert_array_equal(faithful_outline(polygon, 1).exterior_xy, simplify_polygon(polygon, 1).exterior_xy)
    assert len(faithful_outline(polygon, 1).exterior_xy) < len(polygon.exterior_xy) / 4


def test_no_tolerance_changes_nothing() -> None:
    (polygon,) = mask_to_polygons(_disc(9))
    assert _iou(polygons_to_mask([faithful_outline(polygon, 0)], (120, 120)), _disc(9)) == 1


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.55, 0.7, 0.9]))
def test_one_ring_encloses_what_the_polygon_with_holes_did(seed: int, density: float) -> None:
    mask = np.random.default_rng(seed).random((14, 17)) < density
    for polygon in mask_to_polygons(mask):
        ring_xy = cut_open(polygon)
        np.testing.assert_array_equal(
            polygons_to_mask([Polygon(ring_xy)], mask.shape), polygons_to_mask([polygon], mask.shape)
        )
        assert _signed_area(ring_xy) == sum(map(_signed_area, (polygon.exterior_xy, *polygon.holes_xy)))


def _signed_area(ring_xy: np.ndarray) -> float:
    x, y = ring_xy.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)
