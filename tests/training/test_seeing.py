import math

import numpy as np
import pytest
import torch

from sam_backend.errors import DatasetError
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.model.vit import VitConfig
from sam_backend.training.lessons import WindowLessons
from sam_backend.training.processes import Processes
from sam_backend.training.seeing import OFFSETS_XY, affinity_loss, teach_seeing
from sam_backend.training.training_settings import WindowPlan
from tests.training.one_picture import TwoBlobs


def belongs_together(labels: np.ndarray) -> np.ndarray:
    """Every pair by hand: whether the cell at an offset has the same label."""
    height, width = labels.shape
    same = np.zeros((len(OFFSETS_XY), height, width), np.float32)
    for index, (x, y) in enumerate(OFFSETS_XY):
        for row in range(height):
            for column in range(width):
                if 0 <= row + y < height and column + x < width:
                    same[index, row, column] = labels[row, column] == labels[row + y, column + x]
    return same


def test_the_right_answer_costs_nothing_and_a_wrong_one_much() -> None:
    masks = torch.zeros(2, 20, 24, dtype=torch.bool)
    masks[0, 2:16, 3:20] = True
    masks[1, 6:10, 8:12] = True  # lies in the other and counts as its own
    labels = masks[0].int() + masks[1].int()
    right = torch.from_numpy(belongs_together(labels.numpy()) * 2 - 1) * 30
    assert affinity_loss(right, masks) == pytest.approx(0, abs=1e-6)
    assert affinity_loss(-right, masks) > 20
    assert affinity_loss(torch.zeros_like(right), masks).item() == pytest.approx(math.log(2) * 20 / 20, rel=1e-4)


def test_pairs_without_any_object_say_nothing() -> None:
    masks = torch.zeros(1, 20, 20, dtype=torch.bool)
    assert affinity_loss(torch.randn(len(OFFSETS_XY), 20, 20), masks) == 0


def test_an_encoder_learns_to_see_and_nothing_else_changes(network: Sam) -> None:
    lessons = WindowLessons(network, [(TwoBlobs(), 1.0)], [WindowPlan(64, 1.0, 2)])
    decoder = [value.clone() for value in network.mask_decoder.parameters()]
    losses = teach_seeing(network, lessons, n_steps=60, pictures_per_step=2, seed=0, processes=Processes())
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    assert all(torch.equal(old, new) for old, new in zip(decoder, network.mask_decoder.parameters(), strict=True))


def test_a_vit_is_not_taught_so() -> None:
    vit = Sam(SamConfig(VitConfig(16, 1, 2, (0,), grid_size=4, window_size=2, out_width=32), 2, 32, 32))
    lessons = WindowLessons(vit, [(TwoBlobs(), 1.0)], [WindowPlan(64, 1.0, 2)])
    with pytest.raises(DatasetError, match=r"only a convolutional encoder learns to see .* start a ViT with --mae"):
        teach_seeing(vit, lessons, n_steps=1, pictures_per_step=1, seed=0, processes=Processes())
