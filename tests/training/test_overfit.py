import numpy as np
import torch
from small_networks import SIZE_PX, bright_square, new_network

from sam_backend.training.initialise import initialise
from sam_backend.training.lesson import make_lesson
from sam_backend.training.rounds import LessonReport, RoundPlan, learn
from sam_backend.training.sample import Sample

ROUNDS = RoundPlan(n_rounds=3, n_mask_only_rounds=0, single_mask_share_for_boxes=0.5, learns_every_iou=True)


def test_one_picture_is_learnt_by_heart_in_seconds() -> None:
    network = new_network("conv").train()
    initialise(network)
    picture = bright_square()
    lesson = make_lesson(Sample(picture.image, np.asarray(picture.masks)), SIZE_PX)
    optimizer, generator = torch.optim.AdamW(network.parameters(), lr=2e-3), torch.Generator().manual_seed(0)
    reports: list[LessonReport] = []
    for _ in range(50):
        reports.append(learn(network, lesson, ROUNDS, 1.0, generator))
        optimizer.step()
        optimizer.zero_grad()
    last = reports[-10:]
    assert np.mean([report.first_iou for report in last]) > 0.95
    assert np.mean([report.last_iou for report in last]) > 0.95
