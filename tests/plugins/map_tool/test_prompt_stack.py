"""Prompts in the order in which they came."""

from __future__ import annotations

from segment_anything.map_tool.prompts import Box, Click, PromptStack, box_around

YES, NO = Click((3.0, 4.0), True), Click((5.0, 1.0), False)
SMALL, LARGE = Box((0.0, 0.0, 2.0, 2.0)), Box((-1.0, 0.0, 9.0, 9.0))


def test_undoing_goes_back_one_by_one_and_never_further() -> None:
    stack = PromptStack().plus(YES).plus(NO)
    assert stack.undone() == PromptStack((YES,))
    assert not stack.undone().undone()
    assert stack.undone().undone().undone() == PromptStack()


def test_a_later_box_takes_the_place_of_an_earlier_one_until_it_is_undone() -> None:
    stack = PromptStack().plus(SMALL).plus(LARGE)
    assert stack.fields == {"points_xy": [], "is_foreground": [], "box_xyxy": [-1, 0, 9, 9]}
    assert stack.undone().box == SMALL


def test_fields_are_those_of_the_protocol() -> None:
    assert PromptStack((YES, SMALL, NO)).fields == {
        "points_xy": [[3, 4], [5, 1]],
        "is_foreground": [True, False],
        "box_xyxy": [0, 0, 2, 2],
    }


def test_bounds_are_around_clicks_and_the_box_that_counts() -> None:
    assert PromptStack().bounds_xyxy is None
    assert PromptStack((YES, NO)).bounds_xyxy == (3, 1, 5, 4)
    assert PromptStack((LARGE, SMALL, NO)).bounds_xyxy == (0, 0, 5, 2)


def test_only_more_prompts_follow_fewer() -> None:
    one, two = PromptStack((YES,)), PromptStack((YES, NO))
    assert two.follows(one)
    assert not one.follows(two)
    assert not two.follows(two)
    assert not two.follows(PromptStack())
    assert not two.follows(PromptStack((NO,)))


def test_a_box_is_around_all_corners() -> None:
    assert box_around(((1, 5), (4, 6), (3, 0), (0, 1))) == Box((0, 0, 4, 6))
