from itertools import permutations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.errors import OptionsError
from sam_backend.evaluation.outline_matching import match_outlines, outline_iou

box = shapely.box
ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), max_size=5)


def test_pairs_come_by_falling_iou_and_the_rest_counts_as_wrong_and_as_missed() -> None:
    true = [box(0, 0, 10, 10), box(20, 0, 30, 10), box(40, 0, 50, 10)]
    found = [box(20, 0, 30, 8), box(0, 0, 10, 10), box(60, 0, 70, 10), box(45, 0, 55, 10)]
    matching = match_outlines(found, true)
    assert matching.pairs.tolist() == [[1, 0], [0, 1]]
    assert matching.pair_iou.tolist() == [1, 0.8]
    np.testing.assert_allclose(matching.best_iou, [1, 0.8, 1 / 3])
    assert (matching.precision, matching.recall, matching.f1) == (2 / 4, 2 / 3, 4 / 7)
    assert matching.mean_pair_iou == pytest.approx(0.9)
    assert matching.mean_best_iou == pytest.approx((1 + 0.8 + 1 / 3) / 3)


def test_one_true_outline_found_twice_is_one_pair() -> None:
    matching = match_outlines([box(0, 0, 10, 9), box(0, 0, 10, 10)], [box(0, 0, 10, 10)])
    assert matching.pairs.tolist() == [[1, 0]]
    assert (matching.precision, matching.recall) == (0.5, 1)


def test_the_best_pair_gives_way_where_that_makes_two() -> None:
    true = [box(0, 0, 10, 1), box(3, 0, 13, 1)]
    found = [box(0.5, 0, 10.5, 1), box(-3, 0, 7, 1)]  # the first fits both, the second only the first
    assert outline_iou(found, true)[0, 0] == outline_iou(found, true).max()
    assert sorted(match_outlines(found, true).pairs.tolist()) == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("n_found", "n_true", "scores"),
    [(0, 0, (1, 1, 1)), (2, 0, (0, 1, 0)), (0, 2, (1, 0, 0))],
    ids=["nothing", "found only", "true only"],
)
def test_sides_may_be_empty(n_found: int, n_true: int, scores: tuple[float, float, float]) -> None:
    matching = match_outlines([box(0, 0, 1, 1)] * n_found, [box(0, 0, 1, 1)] * n_true)
    assert (matching.precision, matching.recall, matching.f1) == scores
    assert matching.pairs.shape == (0, 2)
    assert np.isnan(matching.mean_pair_iou)
    np.testing.assert_equal(matching.mean_best_iou, 0.0 if n_true else np.nan)


def test_a_ring_that_crosses_itself_and_one_without_area_are_no_obstacle() -> None:
    bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])  # two triangles of area 1
    flat = shapely.Polygon([(0, 0), (1, 0), (0, 0)])
    np.testing.assert_allclose(outline_iou([bow_tie, flat], [box(0, 0, 2, 2), flat])[:, 0], [0.5, 0])
    assert outline_iou([flat], [flat]).tolist() == [[0]]


@given(found=ROWS, true=ROWS, min_iou=st.sampled_from([0.2, 0.5, 1.0]))
def test_no_pairing_has_more_pairs_or_as_many_of_a_larger_sum(
    found: list[tuple[int, int]], true: list[tuple[int, int]], min_iou: float
) -> None:
    ours, theirs = ([box(x, 0, x + width, 1) for x, width in some] for some in (found, true))
    matching = match_outlines(ours, theirs, min_iou)
    assert len(set(matching.pairs[:, 0])) == len(set(matching.pairs[:, 1])) == len(matching.pairs)
    assert (matching.pair_iou >= min_iou).all()
    assert (np.diff(matching.pair_iou) <= 0).all()
    iou = outline_iou(ours, theirs)
    iou = iou if len(ours) <= len(theirs) else iou.T
    every = (iou[range(len(iou)), list(order)] for order in permutations(range(iou.shape[1]), len(iou)))
    best = max((int((some >= min_iou).sum()), float(some[some >= min_iou].sum())) for some in every)
    assert (len(matching.pairs), matching.pair_iou.sum()) == (best[0], pytest.approx(best[1]))


@pytest.mark.parametrize("min_iou", [0.0, 1.1, float("nan")])
def test_a_least_iou_that_pairs_anything_or_nothing_is_refused(min_iou: float) -> None:
    with pytest.raises(OptionsError, match="above 0 and up to 1"):
        match_outlines([], [], min_iou)
