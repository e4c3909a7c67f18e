import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.predict.automatic.crops import lay_crops
from sam_backend.predict.automatic.grids import layer_grids, point_grid, spread_order


def test_the_picture_comes_first_then_crops_column_by_column() -> None:
    boxes = [crop.box_xyxy for crop in lay_crops((300, 500), 1, 512 / 1500)]
    assert boxes == [(0, 0, 500, 300), (0, 0, 301, 201), (0, 99, 301, 300), (199, 0, 500, 201), (199, 99, 500, 300)]


def test_two_layers_make_21_crops() -> None:
    crops = lay_crops((1500, 2250), 2, 512 / 1500)
    assert [crop.layer for crop in crops] == [0] + [1] * 4 + [2] * 16
    overlaps = {(0, 0): 512, (1, 1): 256}
    first, below = crops[1].box_xyxy, crops[2].box_xyxy
    assert first[3] - below[1] == pytest.approx(overlaps[0, 0], abs=1)
    assert crops[5].box_xyxy[3] - crops[6].box_xyxy[1] == pytest.approx(overlaps[1, 1], abs=2)


@given(
    image_hw=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    n_layers=st.integers(0, 3),
    ratio=st.floats(0, 0.9),
)
def test_every_layer_covers_the_picture_with_crops_that_have_pixels(
    image_hw: tuple[int, int], n_layers: int, ratio: float
) -> None:
    covered = np.zeros((n_layers + 1, *image_hw), np.bool_)
    for crop in lay_crops(image_hw, n_layers, ratio):
        left, top, right, bottom = crop.box_xyxy
        assert 0 <= left < right <= image_hw[1]
        assert 0 <= top < bottom <= image_hw[0]
        assert crop.crop_hw == (bottom - top, right - left)
        covered[crop.layer, top:bottom, left:right] = True
    assert covered.all()


def test_a_grid_lies_at_the_centres_of_equal_parts_row_by_row() -> None:
    np.testing.assert_allclose(point_grid(2), [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
    assert [len(grid) for grid in layer_grids(32, 2, 2)] == [32**2, 16**2, 8**2]


@pytest.mark.parametrize("n_per_side", [1, 2, 6, 32])
def test_the_spread_order_visits_every_point_once(n_per_side: int) -> None:
    assert sorted(spread_order(point_grid(n_per_side))) == list(range(n_per_side**2))


@pytest.mark.parametrize("n_parts", [2, 4, 8, 16])
def test_the_first_points_of_the_spread_order_lie_in_different_parts(n_parts: int) -> None:
    first = point_grid(32)[spread_order(point_grid(32))[: n_parts**2]]
    assert len({(int(x * n_parts), int(y * n_parts)) for x, y in first}) == n_parts**2


def test_points_in_any_number_and_place_can_be_spread() -> None:
    points = np.array([[0.0, 0.0], [1.0, 1.0], [0.5, 0.5], [0.5, 0.5], [1.0, 0.0]])
    assert sorted(spread_order(points)) == [0, 1, 2, 3, 4]
