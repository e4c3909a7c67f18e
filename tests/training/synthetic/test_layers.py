import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam_backend.training.synthetic.layers import Canvas, Layer

HEIGHT, WIDTH = 24, 32


def canvas() -> Canvas:
    return Canvas(np.zeros((HEIGHT, WIDTH, 3), np.float32))


def square(side_px: int, left_px: int, top_px: int, shade: float = 200, alpha: float = 1) -> Layer:
    return Layer(
        colour=np.full((side_px, side_px, 3), shade, np.float32),
        alpha=np.full((side_px, side_px), alpha, np.float32),
        left_px=left_px,
        top_px=top_px,
    )


offsets = st.integers(-12, 36)
placings = st.lists(st.tuples(st.integers(1, 12), offsets, offsets), min_size=1, max_size=6)


@settings(max_examples=30)
@given(placed=placings)
def test_each_pixel_shows_and_belongs_to_the_topmost(placed: list[tuple[int, int, int]]) -> None:
    picture = canvas()
    expected = np.zeros((HEIGHT, WIDTH), np.int16)
    for index, (side_px, left_px, top_px) in enumerate(placed, start=1):
        picture.paint(square(side_px, left_px, top_px, shade=10 * index))
        expected[max(0, top_px) : max(0, top_px + side_px), max(0, left_px) : max(0, left_px + side_px)] = index
    np.testing.assert_array_equal(picture.topmost, expected)
    np.testing.assert_array_equal(picture.picture[..., 0], 10 * expected)
    for number, mask in zip(picture.visible_numbers(), picture.masks(picture.visible_numbers()), strict=True):
        np.testing.assert_array_equal(mask, expected == number)


@pytest.mark.parametrize(("n_covered_columns", "visible"), [(7, True), (9, False)], ids=["3 of 10", "1 of 10"])
def test_what_is_nearly_covered_is_no_object(n_covered_columns: int, visible: bool) -> None:
    picture = canvas()
    below = picture.paint(square(10, 0, 0))
    above = picture.paint(square(10, n_covered_columns - 10, 0))
    assert picture.visible_numbers().tolist() == ([below, above] if visible else [above])


def test_what_sticks_out_too_far_is_no_object() -> None:
    picture = canvas()
    picture.paint(square(20, -17, 0))
    inside = picture.paint(square(20, 17, 0))
    assert picture.visible_numbers().tolist() == [inside]


def test_a_part_is_seen_of_its_whole_too() -> None:
    picture = canvas()
    whole = picture.paint(square(12, 2, 2))
    part = picture.paint(square(8, 4, 4), part_of=whole)
    sub_part = picture.paint(square(4, 6, 6), part_of=part)
    other = picture.paint(square(6, 20, 2))
    masks = picture.masks(np.array([whole, part, sub_part, other]))
    assert masks.sum(axis=(1, 2)).tolist() == [144, 64, 16, 36]
    assert (masks[2] <= masks[1]).all()
    assert (masks[1] <= masks[0]).all()


def test_a_stain_changes_colours_but_no_object() -> None:
    picture = canvas()
    number = picture.paint(square(10, 0, 0, shade=100))
    picture.stain(square(10, 0, 0, shade=0, alpha=0.75))
    assert picture.picture[0, 0].tolist() == [25, 25, 25]
    assert picture.masks(np.array([number])).sum() == 100


def test_a_half_covering_edge_belongs_to_what_is_below() -> None:
    picture = canvas()
    picture.paint(square(10, 0, 0, alpha=0.4))
    assert not picture.topmost.any()


@pytest.mark.parametrize("n_below", [0, 1], ids=["alone", "over another"])
def test_tiles_get_numbers_and_their_cores_are_parts_of_them(n_below: int) -> None:
    picture = canvas()
    below = [picture.paint(square(5, 0, 0)) for _ in range(n_below)]
    tiles = np.zeros((HEIGHT, WIDTH), np.int64)
    tiles[:, 8:16], tiles[:, 20:30] = 1, 2
    colour = np.full((HEIGHT, WIDTH, 3), 50, np.float32)
    offset = picture.paint_mosaic(tiles, colour)
    cores = np.where(np.arange(HEIGHT)[:, None] < 6, tiles, 0)
    core_offset = picture.paint_mosaic(cores, colour + 9, parts_of=offset)
    assert picture.visible_numbers().tolist() == [*below, offset + 1, offset + 2, core_offset + 1, core_offset + 2]
    masks = picture.masks(np.array([offset + 2, core_offset + 2]))
    np.testing.assert_array_equal(masks[0], tiles == 2)
    np.testing.assert_array_equal(masks[1], cores == 2)
    assert picture.picture[0, 9, 0] == 59
    assert picture.picture[9, 9, 0] == 50
