"""What is done with merged objects: nesting, a second look at cut ones, outline on the grid; and unions of pieces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from benchmarks.merging.oracle import rect_of
from sam_backend.geo.merge import (
    MergedObject,
    NestingPolicy,
    accept,
    apply_nesting,
    healing_tasks,
    outline_on_grid_share,
)
from sam_backend.geo.merge.placed import mask_iou, place_key
from sam_backend.geo.merge.union import join_pieces
from sam_backend.geo.tiles import PixelRect, PlacedMask, TileGrid


def filled(left: int, top: int, right: int, bottom: int) -> PlacedMask:
    return PlacedMask(left, top, np.ones((bottom - top, right - left), np.bool_))


def merged(placed: PlacedMask, tile_indices: tuple[int, ...] = (0,), is_cut: bool = False) -> MergedObject:
    return MergedObject(placed, 0.9, 0.9, tile_indices, None, False, is_cut)


PARCEL, HOUSE, ANNEX = filled(0, 0, 50, 40), filled(10, 10, 30, 30), filled(10, 10, 20, 20)
ELSEWHERE = filled(60, 0, 90, 9)
NESTED = [merged(placed) for placed in (HOUSE, PARCEL, ELSEWHERE, ANNEX)]


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        (NestingPolicy.ALL, [HOUSE, PARCEL, ELSEWHERE, ANNEX]),
        (NestingPolicy.TOP_LEVEL, [PARCEL, ELSEWHERE]),
        (NestingPolicy.PARTS, [ELSEWHERE, ANNEX]),
    ],
)
def test_a_policy_keeps_whole_objects_in_their_order(policy: NestingPolicy, kept: list[PlacedMask]) -> None:
    assert [one.placed for one in apply_nesting(NESTED, policy)] == kept


def test_neighbours_that_overlap_a_little_are_not_nested() -> None:
    beside = [merged(filled(0, 0, 20, 20)), merged(filled(15, 0, 40, 20))]
    assert apply_nesting(beside, NestingPolicy.TOP_LEVEL) == beside
    assert apply_nesting(beside, NestingPolicy.PARTS) == beside


def test_of_two_equal_objects_one_stays() -> None:
    twins = [merged(filled(0, 0, 9, 9)), merged(filled(0, 0, 9, 9))]
    assert len(apply_nesting(twins, NestingPolicy.TOP_LEVEL)) == 1
    assert len(apply_nesting(twins, NestingPolicy.FLAT)) == 1


@pytest.mark.parametrize("policy", list(NestingPolicy))
def test_no_objects_stay_no_objects(policy: NestingPolicy) -> None:
    assert apply_nesting([], policy) == []


blobs = st.builds(
    PlacedMask,
    st.integers(0, 20),
    st.integers(0, 20),
    arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))),
).filter(lambda placed: placed.mask.any())


@settings(max_examples=60)
@given(st.lists(blobs, min_size=1, max_size=8))
def test_flat_gives_every_pixel_to_the_smallest_object_over_it(masks: list[PlacedMask]) -> None:
    counts = np.zeros((40, 40), int)
    before = np.zeros((40, 40), bool)
    for placed in masks:
        before |= painted(placed)
    flat = apply_nesting([merged(placed) for placed in masks], NestingPolicy.FLAT)
    for one in flat:
        assert one.placed.mask.any()
        counts += painted(one.placed)
    assert ((counts == 1) == before).all()
    assert counts.max() == 1
    smallest = min(masks, key=lambda placed: (placed.mask.sum(), place_key(placed)))
    assert any((painted(one.placed) == painted(smallest)).all() for one in flat)


def painted(placed: PlacedMask) -> np.ndarray:
    canvas = np.zeros((40, 40), bool)
    h, w = placed.mask.shape
    canvas[placed.top_px : placed.top_px + h, placed.left_px : placed.left_px + w] = placed.mask
    return canvas


def test_many_objects_are_nested_in_a_moment() -> None:
    side = 40
    plots = [merged(filled(60 * x, 60 * y, 60 * x + 50, 60 * y + 50)) for x in range(side) for y in range(side)]
    houses = [
        merged(filled(60 * x + 9, 60 * y + 9, 60 * x + 29, 60 * y + 29)) for x in range(side) for y in range(side)
    ]
    assert apply_nesting(plots + houses, NestingPolicy.TOP_LEVEL) == plots
    assert apply_nesting(plots + houses, NestingPolicy.PARTS) == houses


@settings(max_examples=80)
@given(st.lists(blobs, min_size=1, max_size=5))
def test_pieces_join_to_the_largest_connected_part_of_their_union(masks: list[PlacedMask]) -> None:
    union = np.zeros((40, 40), bool)
    for placed in masks:
        union |= painted(placed)
    labels, n_parts = ndimage.label(union, np.ones((3, 3)))
    joined = painted(join_pieces(masks))
    parts = [labels == number for number in range(1, n_parts + 1)]
    assert any((joined == part).all() for part in parts)
    if sum(mask.mask.sum() for mask in masks) == union.sum():  # no pixel counts twice
        assert joined.sum() == max(part.sum() for part in parts)


GRID = TileGrid(180, 180, 100, 20)


def test_only_cut_objects_that_fit_a_tile_with_a_margin_are_looked_at_again() -> None:
    whole, cut, large = filled(30, 30, 60, 60), filled(75, 80, 110, 110), filled(60, 60, 100, 100)
    objects = [merged(whole), merged(cut, (0, 3), is_cut=True), merged(large, (0, 1), is_cut=True)]
    [task] = healing_tasks(objects, GRID)
    assert task.merged is objects[1]
    assert task.rect == PixelRect(42, 45, 142, 145)
    assert task.box_xyxy.tolist() == [75, 80, 110, 110]


def test_a_tile_for_a_second_look_stays_inside_the_raster() -> None:
    [task] = healing_tasks([merged(filled(80, 160, 100, 180), (2,), is_cut=True)], GRID)
    assert task.rect == PixelRect(40, 80, 140, 180)
    assert task.box_xyxy.tolist() == [80, 160, 100, 180]


def test_every_piece_gives_a_point_deep_inside_itself() -> None:
    [task] = healing_tasks([merged(filled(75, 40, 105, 60), (0, 1), is_cut=True)], GRID)
    assert all(80 < x < 100 and 45 < y < 55 for x, y in task.points_xy)
    left, right = sorted(x for x, _ in task.points_xy.tolist())
    assert left < 90 < right


def test_prompts_are_given_in_pixels_of_the_tile_to_read() -> None:
    [task] = healing_tasks([merged(filled(75, 40, 105, 60), (0, 1), is_cut=True)], GRID)
    prompts = task.prompts()
    assert prompts.box_xyxy is not None
    assert (prompts.box_xyxy + np.tile([task.rect.left_px, task.rect.top_px], 2)).tolist() == [75, 40, 105, 60]
    assert (prompts.points_xy + np.array([task.rect.left_px, task.rect.top_px])).tolist() == task.points_xy.tolist()
    assert prompts.is_foreground.all()


def test_a_piece_none_of_which_is_left_gives_no_point() -> None:
    [task] = healing_tasks([merged(filled(92, 40, 112, 60), (0, 1), is_cut=True)], GRID)
    assert len(task.points_xy) == 1


def test_a_second_look_is_believed_from_an_iou_of_seven_tenths() -> None:
    union = filled(0, 0, 10, 10)
    assert accept(filled(0, 0, 7, 10), union)
    assert not accept(filled(0, 0, 6, 10), union)
    assert not accept(filled(50, 0, 60, 10), union)
    assert mask_iou(PlacedMask(0, 0, np.zeros((2, 2), np.bool_)), PlacedMask(0, 0, np.zeros((2, 2), np.bool_))) == 0


@pytest.mark.parametrize(
    ("placed", "share"),
    [
        pytest.param(filled(10, 10, 30, 40), 0.0, id="away from edges"),
        pytest.param(filled(60, 10, 80, 40), 0.3, id="ends at the next tile's start"),
        pytest.param(filled(100, 10, 120, 40), 0.3, id="starts at the tile's end"),
        pytest.param(filled(80, 80, 100, 100), 1.0, id="fills the corner that four tiles share"),
        pytest.param(filled(70, 10, 90, 40), 0.0, id="across an edge"),
        pytest.param(filled(0, 0, 20, 180), 0.0, id="along the raster's edges"),
    ],
)
def test_the_outline_on_the_grid_is_measured_between_pixels(placed: PlacedMask, share: float) -> None:
    assert outline_on_grid_share([merged(placed)], GRID) == pytest.approx(share)


def test_holes_have_an_outline_too() -> None:
    mask = np.ones((30, 40), np.bool_)
    mask[10:20, 10:20] = False
    assert outline_on_grid_share([merged(PlacedMask(70, 10, mask))], GRID) == pytest.approx(10 / (140 + 40))


def test_no_objects_have_no_outline_on_the_grid() -> None:
    assert outline_on_grid_share([], GRID) == 0


def test_a_merged_object_s_rectangle_is_that_of_its_mask() -> None:
    assert rect_of(filled(1, 2, 3, 4)) == PixelRect(1, 2, 3, 4)
