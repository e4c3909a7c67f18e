import numpy as np
import pytest
import rasterio.transform
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.geo.frame import map_to_pixel_xy, map_to_pixel_xyxy, pixel_to_map_xy

TRANSFORMS = {
    "north up": Affine(0.5, 0, 300_000, 0, -0.5, 5_000_000),
    "south up": Affine(0.5, 0, 300_000, 0, 0.5, 5_000_000),
    "rotated": Affine(1.6, 1.2, 1000, 1.2, -1.6, 2000),
    "degrees": Affine(1e-5, 0, 32.5, 0, -1e-5, 0.3),
}
numbers = st.floats(-1e4, 1e4)


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
@given(x=numbers, y=numbers)
def test_there_and_back(transform: Affine, x: float, y: float) -> None:
    there = pixel_to_map_xy(np.array([[x, y]]), transform)
    np.testing.assert_allclose(there[0], rasterio.transform.xy(transform, y, x, offset="ul"))
    np.testing.assert_allclose(map_to_pixel_xy(there, transform), [[x, y]], atol=1e-3)


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_the_pixel_box_holds_every_corner_of_the_map_box(transform: Affine) -> None:
    map_box = np.concatenate(
        [pixel_to_map_xy(np.array([10.0, 20.0]), transform), pixel_to_map_xy(np.array([60.0, 50.0]), transform)]
    )
    x0, y0, x1, y1 = map_to_pixel_xyxy(map_box, transform)
    corners = map_to_pixel_xy(np.array([map_box[[0, 1]], map_box[[2, 1]], map_box[[2, 3]], map_box[[0, 3]]]), transform)
    np.testing.assert_allclose([corners.min(axis=0), corners.max(axis=0)], [[x0, y0], [x1, y1]], atol=1e-6)
    assert x1 > x0
    assert y1 > y0
