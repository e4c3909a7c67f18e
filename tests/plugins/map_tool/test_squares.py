"""Which part of a raster the model is shown."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from segment_anything.map_tool.squares import Square, side_for, square_for

coordinates = st.floats(-1e6, 1e6)
sides = st.floats(0.01, 1e5)


@given(left=coordinates, low=coordinates, width=sides, height=sides)
def test_the_square_holds_what_is_in_sight_and_is_not_much_larger(
    left: float, low: float, width: float, height: float
) -> None:
    in_sight = (left, low, left + width, low + height)
    square = square_for(in_sight)
    slack = 1e-6 * square.side + 1e-9 * 1e6
    assert Square(square.left - slack, square.low - slack, square.side + 2 * slack).holds(in_sight)
    assert square.side <= max(width, height) / 0.75 * math.sqrt(2) * 1.001


@given(left=coordinates, low=coordinates, side=st.floats(1, 1e4), pan=st.floats(-0.05, 0.05))
def test_a_small_pan_keeps_the_square(left: float, low: float, side: float, pan: float) -> None:
    square = square_for((left, low, left + side, low + side))
    moved_xyxy = (left + pan * side, low, left + (1 + pan) * side, low + side)
    kept = square_for(moved_xyxy, square)
    assert kept == square or not square.holds(moved_xyxy)


@given(left=coordinates, low=coordinates, side=st.floats(1, 1e4), pan=st.floats(-1e4, 1e4))
def test_whoever_comes_back_gets_the_same_square(left: float, low: float, side: float, pan: float) -> None:
    in_sight = (left, low, left + side, low + side)
    away = square_for((left + pan, low, left + pan + side, low + side))
    assert square_for(in_sight, None) == square_for(in_sight, away if not away.holds(in_sight) else None)


@pytest.mark.parametrize(
    ("zoom", "is_kept"), [(1.0, True), (0.6, True), (0.3, False), (1.5, False)], ids=["same", "in", "far in", "out"]
)
def test_zooming_far_asks_for_another_square(zoom: float, is_kept: bool) -> None:
    square = square_for((0, 0, 700, 700))
    half = 350 * zoom
    assert (square_for((350 - half, 350 - half, 350 + half, 350 + half), square) == square) is is_kept


def test_the_side_stays_within_its_bounds() -> None:
    assert square_for((0, 0, 10, 10), least=256, most=4096).side == 256
    assert square_for((0, 0, 9000, 10), least=256, most=4096).side == 4096
    assert side_for((0, 0, 768, 100)) == 1024
    assert side_for((5, 5, 5, 5), least=256) == 256, "a single place"
