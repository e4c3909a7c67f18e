import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.errors import MaskError
from sam_backend.masks.ellipse import Ellipse, ellipse_of_polygons
from sam_backend.masks.polygons import mask_to_polygons
from sam_backend.types import Polygon


def _filled(ellipse: Ellipse, image_hw: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: image_hw[0], : image_hw[1]] + 0.5
    angle = math.radians(ellipse.rotation_deg)
    right, down = x - ellipse.centre_xy[0], y - ellipse.centre_xy[1]
    along = right * math.cos(angle) + down * math.sin(angle)
    across = down * math.cos(angle) - right * math.sin(angle)
    return (along / ellipse.radii_xy[0]) ** 2 + (across / ellipse.radii_xy[1]) ** 2 <= 1


@given(st.floats(18, 30), st.floats(6, 10), st.floats(-44, 44), st.booleans())
def test_filled_ellipse_gives_itself(longer: float, shorter: float, rotation_deg: float, is_upright: bool) -> None:
    radii_xy = (shorter, longer) if is_upright else (longer, shorter)
    drawn = Ellipse((41.3, 38.9), radii_xy, rotation_deg)
    found = ellipse_of_polygons(mask_to_polygons(_filled(drawn, (80, 80))))
    np.testing.assert_allclose(found.centre_xy, drawn.centre_xy, atol=0.5)
    np.testing.assert_allclose(found.radii_xy, drawn.radii_xy, atol=0.6)
    assert abs(found.rotation_deg - rotation_deg) < 5


@given(st.integers(0, 2**32 - 1))
def test_moments_are_those_of_the_pixels(seed: int) -> None:
    mask = np.random.default_rng(seed).random((7, 9)) > 0.5
    mask[3, 3] = True
    rows, columns = np.nonzero(mask)
    covariance = np.cov(columns, rows, bias=True) + np.eye(2) / 12  # of squares, not of their centres
    found = ellipse_of_polygons(mask_to_polygons(mask))
    np.testing.assert_allclose(found.centre_xy, (columns.mean() + 0.5, rows.mean() + 0.5))
    np.testing.assert_allclose(sorted(found.radii_xy), 2 * np.sqrt(np.linalg.eigvalsh(covariance)))


@pytest.mark.parametrize(
    "polygons",
    [[], [Polygon(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]))]],
    ids=["none", "no area"],
)
def test_nothing_enclosed_is_refused(polygons: list[Polygon]) -> None:
    with pytest.raises(MaskError, match="to fit an ellipse to"):
        ellipse_of_polygons(polygons)
