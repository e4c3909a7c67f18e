"""Merging: what comes out depends on what the tiles saw, on nothing else."""

import random
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.merging.oracle import Oracle, f1_score, iou_of, rect_of
from benchmarks.merging.scenes import SCENE_WH_PX, generated_scene, read_scene
from sam_backend.errors import RasterError
from sam_backend.geo.merge import Fragment, MergedObject, Merger, MergeRules, merge_fragments, outline_on_grid_share
from sam_backend.geo.merge.placed import place_key
from sam_backend.geo.tiles import PixelRect, PlacedMask, TileGrid

EXACT = Oracle(jitter_px=0, miss_share=0)
SCENES = ("buildings", "mosaic", "nested", "roads")


def filled(left: int, top: int, right: int, bottom: int) -> PlacedMask:
    return PlacedMask(left, top, np.ones((bottom - top, right - left), np.bool_))


def fragment(tile_index: int, placed: PlacedMask, predicted_iou: float = 0.9, stability: float = 0.8) -> Fragment:
    return Fragment(tile_index, placed, predicted_iou, stability)


def described(objects: list[MergedObject]) -> list[tuple[object, ...]]:
    """Everything that an object is, in an order of its own."""
    return sorted(
        (
            place_key(merged.placed),
            merged.placed.mask.tobytes(),
            merged.predicted_iou,
            merged.stability,
            merged.tile_indices,
            merged.seam_iou or 0,
            merged.is_cut_at_raster_edge,
            merged.is_unresolved_cut,
        )
        for merged in objects
    )


def streamed(grid: TileGrid, fragments: list[Fragment], order: Iterable[int]) -> list[MergedObject]:
    merger = Merger(grid)
    out = []
    for index in order:
        out += merger.add(index, [one for one in fragments if one.tile_index == index])
    return out + merger.finish()


scenes = st.tuples(
    st.sampled_from(SCENES),
    st.tuples(st.integers(60, 150), st.integers(60, 150)),  # raster
    st.tuples(st.integers(40, 64), st.integers(0, 30)),  # tile, overlap
    st.integers(17, 40),  # plots
    st.integers(0, 10**6),
)
Scene = tuple[str, tuple[int, int], tuple[int, int], int, int]


def seen(scene: Scene) -> tuple[TileGrid, list[Fragment]]:
    """Rough readings of a small scene under any grid."""
    name, raster_wh_px, tiling_px, pitch_px, seed = scene
    grid = TileGrid(*raster_wh_px, *tiling_px)
    truth = generated_scene(name, raster_wh_px, pitch_px, np.random.default_rng(seed))
    return grid, Oracle(jitter_px=1, roughness_px=2, miss_share=0.2, seed=seed).fragments(grid, truth)


@settings(max_examples=25)
@given(scenes, st.randoms(use_true_random=False))
def test_the_order_of_tiles_and_of_their_masks_changes_nothing(scene: Scene, chance: random.Random) -> None:
    grid, fragments = seen(scene)
    order = list(range(len(grid)))
    wanted = described(streamed(grid, fragments, order))
    chance.shuffle(order)
    chance.shuffle(fragments)
    assert described(streamed(grid, fragments, order)) == wanted
    assert described(merge_fragments(grid, fragments)) == wanted


@settings(max_examples=25)
@given(scenes)
def test_every_uncut_reading_is_an_object_or_part_of_one_at_its_place(scene: Scene) -> None:
    grid, fragments = seen(scene)
    merged = merge_fragments(grid, fragments)
    for one in fragments:
        if not touches_inner_edge(grid, one):
            assert any(
                one.tile_index in found.tile_indices and not found.is_unresolved_cut and meets(found.placed, one.placed)
                for found in merged
            )


@settings(max_examples=25)
@given(scenes)
def test_no_tile_gives_two_readings_to_one_object_and_no_reading_serves_two(
    scene: Scene,
) -> None:
    grid, fragments = seen(scene)
    merged = merge_fragments(grid, fragments)
    for index in range(len(grid)):
        n_readings = sum(one.tile_index == index for one in fragments)
        assert sum(index in found.tile_indices for found in merged) <= n_readings
    assert all(list(found.tile_indices) == sorted(set(found.tile_indices)) for found in merged)


def touches_inner_edge(grid: TileGrid, one: Fragment) -> bool:
    tile, rect = grid.tile(one.tile_index).rect, rect_of(one.placed)
    return bool(
        (tile.left_px > 0 and rect.left_px - tile.left_px <= 1)
        or (tile.top_px > 0 and rect.top_px - tile.top_px <= 1)
        or (tile.right_px < grid.raster_width_px and tile.right_px - rect.right_px <= 1)
        or (tile.bottom_px < grid.raster_height_px and tile.bottom_px - rect.bottom_px <= 1)
    )


def meets(one: PlacedMask, other: PlacedMask) -> bool:
    return iou_of(one, other) > 0


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(("tile_px", "overlap_px"), [(128, 48), (128, 24)])
def test_exact_readings_give_back_the_true_objects_wherever_the_grid_lies(
    scene: str, tile_px: int, overlap_px: int
) -> None:
    truth = generated_scene(scene, (330, 290), 44, np.random.default_rng(3))
    for shift_x, shift_y in ((0, 0), (7, 13), (31, 22)):
        moved = [PlacedMask(one.left_px + shift_x, one.top_px + shift_y, one.mask) for one in truth]
        grid = TileGrid(330 + shift_x, 290 + shift_y, tile_px, overlap_px)
        found = [merged.placed for merged in merge_fragments(grid, EXACT.fragments(grid, moved))]
        assert [place_key(one) for one in found] == sorted(place_key(one) for one in moved)


@pytest.mark.parametrize("scene", SCENES)
def test_rough_readings_give_nearly_all_objects_and_no_seams(scene: str) -> None:
    truth = generated_scene(scene, (700, 600), 90, np.random.default_rng(1))
    grid = TileGrid(700, 600, 256, 64)
    merged = merge_fragments(grid, Oracle().fragments(grid, truth))
    assert f1_score([one.placed for one in merged], truth) >= 0.93
    assert outline_on_grid_share(merged, grid) < 0.02


@pytest.mark.parametrize("scene", ["nested", "row"])
def test_real_scenes_merge_as_the_benchmark_says(shared: Path, scene: str) -> None:
    truth = read_scene(shared / "data" / "geo" / "merge_scenes", scene)
    grid = TileGrid(*SCENE_WH_PX, 1024, 128)
    merged = merge_fragments(grid, EXACT.fragments(grid, truth))
    assert f1_score([one.placed for one in merged], truth) >= 0.98


SIDE_BY_SIDE = TileGrid(180, 100, 100, 20)  # the second tile starts at 80


def test_of_uncut_readings_the_most_central_is_taken_as_it_is() -> None:
    near_edge, central = filled(82, 40, 97, 60), filled(83, 41, 98, 61)
    objects = merge_fragments(
        TileGrid(180, 100, 100, 20), [fragment(0, near_edge, 0.95, 0.7), fragment(1, central, 0.9, 0.8)]
    )
    assert len(objects) == 1
    assert place_key(objects[0].placed) == place_key(near_edge)  # 39.5 px from 50, the other 39.5 + 1 px lower from 130
    assert (objects[0].predicted_iou, objects[0].stability) == (0.95, 0.8)
    assert objects[0].seam_iou == pytest.approx(14 * 19 / (2 * 300 - 14 * 19))
    assert (objects[0].n_tiles, objects[0].tile_indices) == (2, (0, 1))


def test_an_uncut_reading_beats_a_cut_one() -> None:
    whole, cut = filled(60, 40, 95, 60), filled(80, 40, 95, 60)
    [merged] = merge_fragments(SIDE_BY_SIDE, [fragment(0, whole), fragment(1, cut)])
    assert place_key(merged.placed) == place_key(whole)
    assert not merged.is_unresolved_cut
    assert merged.seam_iou == 1


def test_pieces_meet_in_the_middle_of_the_strip() -> None:
    upper, lower = filled(20, 40, 100, 60), filled(80, 42, 150, 62)
    [merged] = merge_fragments(SIDE_BY_SIDE, [fragment(0, upper), fragment(1, lower)])
    wanted = np.zeros((22, 130), np.bool_)
    wanted[:20, :70] = True
    wanted[2:, 70:] = True
    assert (merged.placed.left_px, merged.placed.top_px) == (20, 40)
    assert (merged.placed.mask == wanted).all()
    assert merged.is_unresolved_cut


def test_nested_objects_don_t_run_together() -> None:
    pieces = [
        fragment(0, filled(20, 10, 100, 90)),
        fragment(0, filled(50, 40, 100, 60)),
        fragment(1, filled(80, 10, 160, 90)),
        fragment(1, filled(80, 40, 130, 60)),
    ]
    merged = merge_fragments(SIDE_BY_SIDE, pieces)
    assert [rect_of(one.placed) for one in merged] == [PixelRect(20, 10, 160, 90), PixelRect(50, 40, 130, 60)]


def test_a_sliver_whose_object_the_neighbour_saw_is_dropped_and_stays_where_it_did_not() -> None:
    sliver, whole = filled(92, 40, 100, 60), filled(92, 40, 140, 60)
    [merged] = merge_fragments(SIDE_BY_SIDE, [fragment(0, sliver), fragment(1, whole)])
    assert (place_key(merged.placed), merged.n_tiles) == (place_key(whole), 1)
    [alone] = merge_fragments(SIDE_BY_SIDE, [fragment(0, sliver)])
    assert (place_key(alone.placed), alone.is_unresolved_cut) == (place_key(sliver), True)


def test_a_leftover_stays_inside_an_object_that_its_own_tile_saw_as_well() -> None:
    parcel_pieces = [fragment(0, filled(20, 10, 100, 90)), fragment(1, filled(80, 10, 160, 90))]
    house_piece = fragment(0, filled(70, 45, 100, 55))
    assert len(merge_fragments(SIDE_BY_SIDE, [*parcel_pieces, house_piece])) == 2
    assert len(merge_fragments(SIDE_BY_SIDE, [parcel_pieces[1], house_piece])) == 1


def test_of_two_leftovers_over_each_other_the_larger_stays() -> None:
    larger, smaller = filled(10, 10, 100, 90), filled(80, 0, 110, 22)
    rules = MergeRules(match_iou=0.5)
    [merged] = merge_fragments(SIDE_BY_SIDE, [fragment(0, larger), fragment(1, smaller)], rules)
    assert place_key(merged.placed) == place_key(larger)


def test_without_overlap_pieces_match_along_the_seam() -> None:
    grid = TileGrid(200, 200, 100, 0)
    pieces = [
        fragment(0, filled(50, 20, 100, 40)),
        fragment(1, filled(100, 22, 150, 42)),
        fragment(1, filled(100, 60, 130, 80)),
        fragment(0, filled(5, 70, 20, 100)),
        fragment(2, filled(5, 100, 20, 130)),
        fragment(3, filled(100, 100, 120, 120)),  # meets tile 0 in a corner only
    ]
    merged = merge_fragments(grid, pieces)
    assert [one.tile_indices for one in merged] == [(0, 1), (1,), (0, 2), (3,)]
    assert merged[0].seam_iou == pytest.approx(18 / 22)


def test_a_chain_over_a_corner_doesn_t_join_two_readings_of_one_tile() -> None:
    grid = TileGrid(180, 180, 100, 20)
    pieces = [
        fragment(0, filled(60, 60, 100, 100)),
        fragment(0, filled(60, 60, 100, 92)),
        fragment(1, filled(80, 60, 120, 100)),
        fragment(2, filled(60, 80, 100, 120)),
        fragment(3, filled(80, 80, 120, 92)),
    ]
    merged = merge_fragments(grid, pieces)
    assert sum(0 in one.tile_indices for one in merged) == 2


def test_a_long_cut_reading_doesn_t_swallow_an_uncut_one_at_its_far_end() -> None:
    first, last = filled(70, 40, 98, 60), filled(162, 40, 190, 60)
    pieces = [fragment(0, first), fragment(1, filled(80, 40, 180, 60)), fragment(2, last)]
    merged = merge_fragments(TileGrid(260, 100, 100, 20), pieces)
    assert [place_key(one.placed) for one in merged] == [place_key(first), place_key(last)]


def test_an_object_is_given_out_once_all_around_it_is_known_and_the_memory_let_go() -> None:
    truth = generated_scene("nested", (300, 1500), 50, np.random.default_rng(2))
    grid = TileGrid(300, 1500, 100, 20)
    merger, held_after_row, n_out = Merger(grid), [], 0
    for row in range(grid.n_rows):
        for column in range(grid.n_columns):
            tile = grid.tile(row * grid.n_columns + column)
            n_out += len(merger.add(tile.index, EXACT.of_tile(tile, truth)))
        held_after_row.append(merger.n_held_bytes)
    assert n_out >= len(truth) - 10
    one_row_px = 300 * 100 * 2  # plots and houses
    assert max(held_after_row) < 3 * one_row_px / 8 * 1.5
    merger.finish()
    assert merger.n_held_bytes == 0


def test_what_no_neighbour_can_see_is_final_at_once_when_the_tile_is_alone() -> None:
    merger = Merger(TileGrid(90, 80, 100, 20))
    [merged] = merger.add(0, [fragment(0, filled(0, 10, 20, 30))])
    assert merged.is_cut_at_raster_edge
    assert merged.seam_iou is None
    assert merged.score == pytest.approx(0.72)
    assert merger.finish() == []


def test_an_empty_mask_is_no_object() -> None:
    empty = PlacedMask(3, 4, np.zeros((5, 6), np.bool_))
    assert merge_fragments(SIDE_BY_SIDE, [fragment(0, empty)]) == []


def test_a_tile_comes_once_with_its_own_fragments_inside_itself() -> None:
    merger = Merger(SIDE_BY_SIDE)
    with pytest.raises(RasterError, match="fragment of tile 1 came with tile 0"):
        merger.add(0, [fragment(1, filled(90, 0, 95, 5))])
    with pytest.raises(RasterError, match="lies outside its tile 0"):
        merger.add(0, [fragment(0, filled(90, 0, 101, 5))])
    merger.add(0, [])
    with pytest.raises(RasterError, match="tile 0 was added before"):
        merger.add(0, [])
    with pytest.raises(RasterError, match="there is no tile 2"):
        merger.add(2, [])


def test_a_fragment_s_score_is_predicted_iou_times_stability() -> None:
    assert fragment(0, filled(0, 0, 1, 1), 0.5, 0.5).score == 0.25


def test_a_diagonal_road_over_many_tiles_comes_out_in_one_piece() -> None:
    grid = TileGrid(1000, 1000, 100, 20)
    mask = np.abs(np.subtract.outer(np.arange(1000), np.arange(1000))) < 6
    [merged] = merge_fragments(grid, EXACT.fragments(grid, [PlacedMask(0, 0, mask)]))
    assert (merged.placed.mask == mask).all()
    assert merged.n_tiles >= grid.n_columns


def test_the_order_of_all_four_tiles_around_a_corner_is_tried_in_full() -> None:
    grid = TileGrid(180, 180, 100, 20)
    truth = generated_scene("nested", (180, 180), 60, np.random.default_rng(5))
    fragments = Oracle(jitter_px=1.5, miss_share=0.1).fragments(grid, truth)
    wanted = described(merge_fragments(grid, fragments))
    assert all(described(streamed(grid, fragments, order)) == wanted for order in permutations(range(4)))


def test_tiles_without_cut_masks_leave_nothing_to_look_through() -> None:
    """Else a large raster takes time by the square of its tiles."""
    grid = TileGrid(640, 640, 64, 16)
    merger = Merger(grid)
    for tile in grid:
        inner = filled(tile.rect.left_px + 20, tile.rect.top_px + 20, tile.rect.left_px + 28, tile.rect.top_px + 28)
        merger.add(tile.index, [fragment(tile.index, inner)] if tile.index % 3 == 0 else [])
    assert len(grid) > 100
    assert not merger._leftovers._watched_of
