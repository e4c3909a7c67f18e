import copy
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from sam_backend.errors import CheckpointError, DatasetError
from sam_backend.model.checkpoint import load_network
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.model.tiny_vit import TinyVitConfig
from sam_backend.model.vit import VitConfig
from sam_backend.predict.predictor import Predictor
from sam_backend.training.files import load_state, save_atomically, save_weights
from sam_backend.training.freeze import choose_trained
from sam_backend.training.lessons import WindowLessons
from sam_backend.training.trainer import Trainer
from sam_backend.training.training_settings import TrainingSettings, WindowPlan
from sam_backend.types import Prompts
from tests.training.one_picture import OnePicture, TwoBlobs
from tests.training.tiny_settings import TINY, tiny


def make_trainer(network: Sam, settings: TrainingSettings = TINY) -> Trainer:
    lessons = WindowLessons(network, [(TwoBlobs(), 1.0)], settings.windows)
    return Trainer(copy.deepcopy(network), lessons, settings)


def weights(network: Sam) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def test_overfitting_one_picture_reaches_an_iou_of_95_percent(network: Sam) -> None:
    settings = tiny(
        n_steps=120,
        pictures_per_step=1,
        affinity_weight=0.0,
        n_warmup_steps=5,
        learning_rate=2e-3,
        windows=(WindowPlan(64, 1.0, 1),),
    )
    trainer = Trainer(network, WindowLessons(network, [(OnePicture(), 1.0)], settings.windows), settings)
    while not trainer.is_done:
        trainer.step()
    sample = OnePicture().draw(np.random.default_rng(0), 64, 1)
    predictor = Predictor(trainer.network.eval(), "one", "one", torch.device("cpu"))
    embedding = predictor.embed(sample.image)
    for prompt in (Prompts.of(box_xyxy=[20, 16, 44, 48]), Prompts.of(points=[(32, 32, True)])):
        answer = predictor.segment(embedding, prompt)
        mask = answer.masks[answer.best]
        assert (mask & sample.masks[0]).sum() / (mask | sample.masks[0]).sum() > 0.95


def test_a_resumed_run_ends_bit_for_bit_as_an_uninterrupted_one(network: Sam, tmp_path: Path) -> None:
    whole, first, second = (make_trainer(network) for _ in range(3))
    for _ in range(6):
        whole.step()
    for _ in range(3):
        first.step()
    save_atomically(first.state(), tmp_path / "state.pt")
    second.resume(load_state(tmp_path / "state.pt"))
    while not second.is_done:
        second.step()
    assert second.n_steps_done == 6
    assert torch.equal(weights(second.network), weights(whole.network))
    assert torch.equal(weights(second.average), weights(whole.average))


def test_a_damaged_or_foreign_state_is_named(network: Sam, tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    with pytest.raises(CheckpointError, match=r"there is no .*state\.pt to go on from: leave out --resume"):
        load_state(path)
    path.write_bytes(b"PK\x03\x04 half of a file")
    with pytest.raises(CheckpointError, match=r"can't be read .* begin again in another folder"):
        load_state(path)
    torch.save([1], path)
    with pytest.raises(CheckpointError, match="is no state of a training run"):
        load_state(path)
    with pytest.raises(CheckpointError, match="belongs to another network or run"):
        make_trainer(network).resume({"network": {}})


def test_frozen_weights_stay_as_they_are(network: Sam) -> None:
    network.image_encoder.requires_grad_(False)
    trainer = make_trainer(network, tiny(weight_decay=0.5))
    before = copy.deepcopy(trainer.network.state_dict())
    trainer.step()
    moved = {name for name, value in trainer.network.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert not any(name.startswith("image_encoder.") for name in moved)


def test_an_encoder_with_batch_norms_is_in_training_what_it_is_in_inference() -> None:
    encoder = TinyVitConfig((8, 16, 20, 24), (1, 1, 1, 1), (2, 5, 3), (3, 2, 3), image_size=64, out_width=32)
    mobile = Sam(SamConfig(encoder, 2, 32, 32)).eval()
    rgb = 255 * torch.rand(1, 3, 64, 64)
    expected, before = mobile.encode_image(rgb).coarse, copy.deepcopy(mobile.image_encoder.state_dict())
    choose_trained(mobile, "decoder")
    trainer = make_trainer(mobile, tiny(windows=(WindowPlan(64, 1.0, 2),)))
    trainer.step()
    after = trainer.network.image_encoder.state_dict()
    assert all(torch.equal(value, before[name]) for name, value in after.items())
    assert torch.equal(trainer.network.encode_image(rgb).coarse, expected)


def test_the_average_follows_the_weights(network: Sam) -> None:
    trainer = make_trainer(network)
    start = weights(trainer.average)
    trainer.step()
    moved, now = weights(trainer.average) - start, weights(trainer.network) - start
    assert 0 < moved.norm() < now.norm()


def test_without_an_average_the_weights_themselves_are_kept(network: Sam) -> None:
    trainer = make_trainer(network, tiny(average_decay=None))
    trainer.step()
    assert torch.equal(weights(trainer.average), weights(trainer.network))


def test_saved_weights_load_again(network: Sam, tmp_path: Path) -> None:
    save_weights(network, tmp_path / "new" / "out.pth")
    loaded = load_network(str(tmp_path / "new" / "out.pth"))
    torch.testing.assert_close(weights(loaded), weights(network), rtol=1e-3, atol=1e-3)


def test_the_rate_follows_the_schedule(network: Sam) -> None:
    trainer = make_trainer(network)
    rates = []
    while not trainer.is_done:
        rates.append(trainer.learning_rate())
        trainer.step()
    assert rates[0] == pytest.approx(TINY.learning_rate / 2)
    assert max(rates) == TINY.learning_rate
    assert all(a >= b for a, b in itertools.pairwise(rates[2:]))


def test_a_vit_is_trained_on_whole_squares_only() -> None:
    vit = Sam(SamConfig(VitConfig(16, 1, 2, (0,), grid_size=4, window_size=2, out_width=32), 2, 32, 32))
    with pytest.raises(DatasetError, match="sees whole squares of 64 px only"):
        make_trainer(vit)
    trainer = make_trainer(vit, tiny(windows=(WindowPlan(64, 1.0, 2),)))
    before = weights(trainer.network)
    trainer.step()
    assert not torch.equal(weights(trainer.network), before)


def test_nothing_to_learn_from_is_an_error(network: Sam) -> None:
    with pytest.raises(DatasetError, match="nothing to learn from"):
        WindowLessons(network, [], TINY.windows)
