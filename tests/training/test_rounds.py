import copy

import numpy as np
import pytest
import torch

from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.sam import Sam
from sam_backend.training.initialise import initialise
from sam_backend.training.lesson import Lesson, make_lesson
from sam_backend.training.losses import prompt_loss
from sam_backend.training.pointing import teach_pointing
from sam_backend.training.rounds import RoundPlan, first_prompts, learn, rounds
from sam_backend.training.sample import Sample
from tests.training.one_picture import OnePicture


class Spy(Sam):
    """Remembers the prompts it is asked."""

    asked: list[tuple[PromptTensors, bool]]

    def decode(self, features, prompts, multimask):  # noqa: ANN001, ANN201 - as the network's
        self.asked.append((prompts, multimask))
        return super().decode(features, prompts, multimask)


@pytest.fixture
def spy(network: Sam) -> Spy:
    watched = copy.deepcopy(network)
    watched.__class__ = Spy
    watched.asked = []
    return watched


def lesson(origin_xy: tuple[int, int] = (0, 0)) -> Lesson:
    return make_lesson(OnePicture().draw(np.random.default_rng(0), 32, 1), 32, origin_xy)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_lesson_lies_in_its_window() -> None:
    mask = np.zeros((32, 64), np.bool_)
    mask[16:32, 34:64] = True
    speck = np.zeros((32, 64), np.bool_)
    speck[0, 0] = True
    made = make_lesson(Sample(np.zeros((32, 64, 3), np.uint8), np.stack([mask, speck])), 64)
    assert made.rgb.shape == (1, 3, 32, 64)
    assert made.target.shape == (1, 16, 16)
    assert made.target[0, 4:8, 9:].min() == 1
    assert made.target[0, 4:8, 8].tolist() == [0.5] * 4  # half of a cell is half a target
    assert made.target.sum() == 30
    assert made.box_xyxy.tolist() == [[34, 16, 64, 32]]


def test_the_paper_has_eleven_rounds_of_which_two_bring_no_point() -> None:
    for seed in range(20):
        brings_point = list(rounds(RoundPlan(), generator(seed)))
        assert len(brings_point) == 11
        # what follows a round is the next one's prompt: nine rounds with a point or box, two with the mask alone
        assert brings_point[:10].count(False) == 2
        assert not brings_point[9]


def test_the_middle_round_without_a_point_comes_at_random() -> None:
    seen = {tuple(rounds(RoundPlan(), generator(seed))).index(False) for seed in range(100)}
    assert seen == set(range(9))


def test_every_correction_brings_the_last_logits_and_one_point_more(spy: Spy) -> None:
    learn(spy.train(), lesson(), RoundPlan(), 1.0, generator())
    n_points = [prompts.points_xy.shape[1] for prompts, _ in spy.asked]
    assert len(spy.asked) == 11
    assert np.diff(n_points).tolist().count(0) == 2
    assert n_points[-1] == n_points[-2]
    assert spy.asked[0][0].mask_logits is None
    assert all(prompts.mask_logits is not None for prompts, _ in spy.asked[1:])
    # unthresholded: they take more values than two
    assert len(spy.asked[1][0].mask_logits.unique()) > 2


def test_three_masks_answer_a_single_prompt_only(spy: Spy) -> None:
    for seed in range(4):
        spy.asked.clear()
        learn(spy.train(), lesson(), RoundPlan(), 1.0, generator(seed))
        assert [multimask for _, multimask in spy.asked] == [True] + [False] * 10


def test_the_ablation_never_asks_for_three_masks(spy: Spy) -> None:
    learn(spy.train(), lesson(), RoundPlan(is_single_output=True), 1.0, generator())
    assert not any(multimask for _, multimask in spy.asked)


def test_prompts_of_a_window_are_given_in_the_square(spy: Spy) -> None:
    learn(spy.train(), lesson(origin_xy=(2, 1)), RoundPlan(n_rounds=1, n_mask_only_rounds=0), 1.0, generator(1))
    prompts, _ = spy.asked[0]
    unmoved = first_prompts(lesson(), prompts.box_xyxy is not None, _after_coin(1))
    for moved, still in ((prompts.points_xy, unmoved.points_xy), (prompts.box_xyxy, unmoved.box_xyxy)):
        if still is not None and still.numel():
            torch.testing.assert_close(
                moved - still, torch.tensor([32.0, 16.0]).repeat(still.shape[-1] // 2).expand_as(still)
            )


def _after_coin(seed: int) -> torch.Generator:
    used = generator(seed)
    torch.rand((), generator=used)
    return used


def test_gradients_are_those_of_plain_backpropagation(network: Sam) -> None:
    """The shortcut through the embedding changes nothing."""
    plan = RoundPlan(n_rounds=1, n_mask_only_rounds=0)
    for seed in range(4):  # clicks and boxes
        shortcut, plain = copy.deepcopy(network), copy.deepcopy(network)
        learn(shortcut, lesson(), plan, scale=0.5, generator=generator(seed))
        _plain_loss(plain, lesson(), generator(seed)).mul(0.5).backward()
        for one, other in zip(shortcut.parameters(), plain.parameters(), strict=True):
            assert (one.grad is None) == (other.grad is None)
            if one.grad is not None and other.grad is not None:
                torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)


def _plain_loss(network: Sam, taught: Lesson, chance: torch.Generator) -> torch.Tensor:
    with_box = bool(torch.rand((), generator=chance) < 0.5)
    prompts = first_prompts(taught, with_box, chance)
    if with_box:
        torch.rand((), generator=chance)  # the coin for the single mask
    features = network.encode_window(taught.rgb, taught.window_px)
    return prompt_loss(*network.decode(features, prompts, multimask=True), taught.target)


def test_mixed_precision_learns_the_same(network: Sam) -> None:
    plain = learn(copy.deepcopy(network).train(), lesson(), RoundPlan(n_rounds=2), 1.0, generator())
    mixed = learn(copy.deepcopy(network).train(), lesson(), RoundPlan(n_rounds=2, is_bfloat16=True), 1.0, generator())
    assert mixed.loss == pytest.approx(plain.loss, rel=0.1)


def test_pointing_is_learnt(network: Sam) -> None:
    initialise(network)
    reports = teach_pointing(network.train(), n_steps=60, n_masks=8, seed=0)
    losses = [report.loss for report in reports]
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
