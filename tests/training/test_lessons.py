import numpy as np
import pytest
import torch

from sam_backend.errors import DatasetError
from sam_backend.model.sam import Sam
from sam_backend.training.chance import Chance
from sam_backend.training.lessons import DrawnLesson, WindowLessons
from sam_backend.training.mixed_lessons import MixedLessons
from sam_backend.training.sample import Sample
from sam_backend.training.training_settings import WindowPlan
from tests.training.one_picture import OnePicture, TwoBlobs


class MostlySpecks:
    """Nothing that fills a cell, three times of four."""

    def draw(self, rng: np.random.Generator, window_px: int, max_masks: int) -> Sample:
        if rng.random() < 0.25:
            return OnePicture().draw(rng, window_px, max_masks)
        mask = np.zeros((1, window_px, window_px), np.bool_)
        mask[0, 1, 1] = True
        return Sample(np.zeros((window_px, window_px, 3), np.uint8), mask)


def test_windows_lie_anywhere_in_the_square_and_come_in_their_shares(network: Sam) -> None:
    windows = [WindowPlan(side_px=32, share=3, max_masks=2), WindowPlan(side_px=64, share=1, max_masks=1)]
    lessons = WindowLessons(network, [(TwoBlobs(), 1.0)], windows)
    rng = np.random.default_rng(0)
    drawn = [lessons.draw(rng).lesson for _ in range(200)]
    small = [one for one in drawn if one.window_px == 32]
    assert 130 < len(small) < 170
    assert {one.origin_xy for one in small} == {(x, y) for x in range(3) for y in range(3)}
    assert {one.origin_xy for one in drawn if one.window_px == 64} == {(0, 0)}
    assert max(len(one.target) for one in drawn if one.window_px == 64) == 1


def test_pictures_of_one_step_have_windows_of_one_size(network: Sam) -> None:
    windows = [WindowPlan(side_px=32, share=1, max_masks=1), WindowPlan(side_px=64, share=1, max_masks=1)]
    lessons = WindowLessons(network, [(MostlySpecks(), 1.0)], windows)
    steps = [[Chance.of(0, step, picture, torch.device("cpu")) for picture in range(4)] for step in range(20)]
    sides = [{lessons.draw(one.rng, one.step_rng).lesson.window_px for one in step} for step in steps]
    assert {32} in sides
    assert {64} in sides
    assert all(len(of_step) == 1 for of_step in sides)


def test_a_sample_too_small_to_see_is_drawn_again(network: Sam) -> None:
    lessons = WindowLessons(network, [(MostlySpecks(), 1.0)], [WindowPlan(64, 1.0, 1)])
    rng = np.random.default_rng(0)
    assert all(len(lessons.draw(rng).lesson.target) == 1 for _ in range(10))


def test_lessons_of_several_places_come_in_their_shares(network: Sam) -> None:
    one, other = (WindowLessons(network, [(OnePicture(), 1.0)], [WindowPlan(side, 1.0, 1)]) for side in (32, 64))
    mixed, rng = MixedLessons([(one, 1.0), (other, 3.0)]), np.random.default_rng(0)
    drawn: list[DrawnLesson] = [mixed.draw(rng) for _ in range(200)]
    assert 130 < sum(lesson.lesson.window_px == 64 for lesson in drawn) < 170


def test_lessons_of_no_place_are_an_error() -> None:
    with pytest.raises(DatasetError, match="nothing to learn from: name a data set"):
        MixedLessons([])
