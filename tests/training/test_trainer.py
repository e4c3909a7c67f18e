import copy
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sam_backend.errors import DatasetError
from sam_backend.model.checkpoint import load_network
from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.sam import Sam
from sam_backend.training.initialise import initialise
from sam_backend.training.losses import prompt_loss
from sam_backend.training.pointing import teach_pointing
from sam_backend.training.rounds import TARGET_CELL_PX, Lesson, _coin, _first_prompts, learn, make_lesson
from sam_backend.training.sample import Sample
from sam_backend.training.synthetic.scenes import GeneratedScenes
from sam_backend.training.trainer import Trainer, TrainingPlan, learning_rate, save_weights

PLAN = TrainingPlan(n_steps=6, max_masks_per_picture=3, n_warmup_steps=2, save_every_n_steps=4)


class OnePicture:
    """The same picture at every draw: a bright square on dark ground."""

    def draw(self, rng: np.random.Generator, max_masks: int) -> Sample:
        mask = np.zeros((64, 64), np.bool_)
        mask[16:48, 20:44] = True
        return Sample(image=np.repeat(mask[..., None] * np.uint8(220), 3, axis=2), masks=mask[None])


@pytest.fixture
def network(tiny_network: Sam) -> Sam:
    fresh = copy.deepcopy(tiny_network)
    torch.manual_seed(0)
    initialise(fresh)
    return fresh


def make_trainer(network: Sam, plan: TrainingPlan = PLAN) -> Trainer:
    return Trainer(copy.deepcopy(network), [(GeneratedScenes(size_px=64), 1.0)], plan)


def weights(network: Sam) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def test_a_lesson_lies_in_the_square(network: Sam) -> None:
    mask = np.zeros((100, 200), np.bool_)
    mask[50:100, 100:200] = True
    speck = np.zeros((100, 200), np.bool_)
    speck[0, 0] = True
    lesson = make_lesson(Sample(np.zeros((100, 200, 3), np.uint8), np.stack([mask, speck])), network.image_size)
    assert lesson.rgb.shape == (1, 3, 32, 64)
    assert lesson.box_xyxy.tolist() == [[32, 16, 64, 32]]
    assert lesson.target.shape == (1, 32, 32)
    assert lesson.target.sum() * TARGET_CELL_PX**2 == 16 * 32


def test_gradients_equal_those_of_one_backward_pass(network: Sam) -> None:
    """The shortcut, round by round up to the embedding and once through the encoder, changes nothing."""
    lesson = make_lesson(OnePicture().draw(np.random.default_rng(0), 1), network.image_size)
    for seed in range(4):  # clicks and boxes
        shortcut, plain = copy.deepcopy(network), copy.deepcopy(network)
        learn(shortcut, lesson, n_rounds=1, scale=0.5, generator=torch.Generator().manual_seed(seed))
        plain_loss(plain, lesson, torch.Generator().manual_seed(seed)).mul(0.5).backward()
        for one, other in zip(shortcut.parameters(), plain.parameters(), strict=True):
            assert (one.grad is None) == (other.grad is None)
            if one.grad is not None and other.grad is not None:
                torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)


def plain_loss(network: Sam, lesson: Lesson, generator: torch.Generator) -> torch.Tensor:
    prompts: PromptTensors = _first_prompts(lesson, network.image_size, generator)
    multimask = prompts.box_xyxy is None or _coin(generator)
    logits, iou = network.decode(network.encode_image(lesson.rgb), prompts, multimask)
    return prompt_loss(F.interpolate(logits, lesson.target.shape[-2:], mode="bilinear"), iou, lesson.target)


def test_pointing_is_learnt(network: Sam) -> None:
    reports = teach_pointing(network.train(), n_steps=60, n_masks=8, seed=0)
    losses = [report.loss for report in reports]
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])


def test_one_picture_is_learnt(network: Sam) -> None:
    plan = TrainingPlan(n_steps=60, pictures_per_step=1, n_warmup_steps=5, learning_rate=2e-3)
    trainer = Trainer(network, [(OnePicture(), 1.0)], plan)
    losses = [trainer.step()[0].loss for _ in range(plan.n_steps)]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


def test_a_resumed_run_ends_as_an_uninterrupted_one(network: Sam, tmp_path: Path) -> None:
    whole = make_trainer(network)
    whole.run(tmp_path / "whole.state", report=lambda *_: None)
    first = make_trainer(network)
    for _ in range(3):
        first.step()
    first.save_state(tmp_path / "half.state")
    second = make_trainer(network)
    second.load_state(tmp_path / "half.state")
    second.run(tmp_path / "half.state", report=lambda *_: None)
    assert second.n_steps_done == 6
    assert torch.equal(weights(second.network), weights(whole.network))
    assert torch.equal(weights(second.average), weights(whole.average))


def test_a_run_saves_on_its_way_and_reports_each_step(network: Sam, tmp_path: Path) -> None:
    state_file, seen = tmp_path / "new" / "run.state", []
    make_trainer(network).run(
        state_file, report=lambda step, lessons, _: seen.append((step, len(lessons), state_file.exists()))
    )
    assert seen == [(step, 2, step > 4) for step in range(1, 7)]
    assert [path.name for path in state_file.parent.iterdir()] == ["run.state"]


def test_the_average_follows_the_weights(network: Sam) -> None:
    trainer = make_trainer(network)
    start = weights(trainer.average)
    trainer.step()
    moved, now = weights(trainer.average) - start, weights(trainer.network) - start
    assert 0 < moved.norm() < now.norm()


def test_saved_weights_load_again(network: Sam, tmp_path: Path) -> None:
    save_weights(network, tmp_path / "out.pth")
    torch.testing.assert_close(weights(load_network(str(tmp_path / "out.pth"))), weights(network), rtol=1e-3, atol=1e-3)


def test_the_rate_warms_up_and_falls() -> None:
    rates = [
        learning_rate(step, TrainingPlan(n_steps=1000, n_warmup_steps=100, learning_rate=1.0)) for step in range(1000)
    ]
    assert rates[0] == 0.01
    assert max(rates) == rates[100] == 1
    assert all(a >= b for a, b in itertools.pairwise(rates[100:]))
    assert rates[-1] == 0.01


def test_nothing_to_learn_from_is_an_error(network: Sam) -> None:
    with pytest.raises(DatasetError, match="nothing to learn from"):
        Trainer(network, [], PLAN)
