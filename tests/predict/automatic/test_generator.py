from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from sam_backend.errors import ImageError
from sam_backend.predict.automatic.generator import Step, generate, generate_steps
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.automatic.records import MaskRecord
from sam_backend.predict.predictor import Predictor
from sam_backend.types import Prompts

LENIENT: dict[str, Any] = {
    "points_per_side": 4,
    "pred_iou_thresh": 0.0,
    "stability_score_thresh": 0.0,
    "box_nms_thresh": 1.0,
}
"""The untrained network's masks are bad: let them all pass."""


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8)


def dicts(records: list[MaskRecord]) -> list[dict[str, Any]]:
    return [record.to_dict("coco_rle") for record in records]


def test_the_masks_are_those_of_single_clicks(tiny_predictor: Predictor, image: np.ndarray) -> None:
    records = generate(tiny_predictor, image, AutomaticOptions(**LENIENT))
    assert records
    embedding = tiny_predictor.embed(image)
    for record in records:
        answer = tiny_predictor.segment(embedding, Prompts.of(points=[(*record.point_xy, True)]))
        nth = int(np.abs(answer.predicted_iou - record.predicted_iou).argmin())
        differs = answer.masks[nth] != record.runs.to_mask()
        full = embedding.frame.low_res_to_image_logits(torch.from_numpy(answer.low_res_logits[nth : nth + 1]))[
            0
        ].numpy()
        assert np.abs(full[differs]).max(initial=0) < 1e-4
        assert record.predicted_iou == pytest.approx(float(answer.predicted_iou[nth]), abs=1e-5)


def test_records_come_best_first(tiny_predictor: Predictor, image: np.ndarray) -> None:
    scores = [record.predicted_iou for record in generate(tiny_predictor, image, AutomaticOptions(**LENIENT))]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("n_layers", [0, 1, 2])
def test_no_masks_are_an_empty_list(n_layers: int, tiny_predictor: Predictor, image: np.ndarray) -> None:
    options = AutomaticOptions(
        points_per_side=4, pred_iou_thresh=1.0, crop_n_layers=n_layers, min_mask_region_area=5, mask_nms_thresh=0.5
    )
    assert generate(tiny_predictor, image, options) == []


def test_a_complete_run_ends_at_the_same_masks_in_batches_of_any_size(
    tiny_predictor: Predictor, image: np.ndarray
) -> None:
    whole = AutomaticOptions(**LENIENT, crop_n_layers=1)
    *_, last = generate_steps(tiny_predictor, image, AutomaticOptions(**LENIENT, crop_n_layers=1, points_per_batch=16))
    assert last.is_complete
    assert last.n_points == 5 * 16
    assert dicts(last.records()) == dicts(generate(tiny_predictor, image, whole))


def test_steps_grow_and_an_earlier_one_stays_what_it_was(tiny_predictor: Predictor, image: np.ndarray) -> None:
    options = AutomaticOptions(**LENIENT, points_per_batch=5)
    steps = [(step, dicts(step.records())) for step in generate_steps(tiny_predictor, image, options)]
    assert [step.n_points_done for step, _ in steps] == [5, 10, 15, 16]
    assert [step.is_last for step, _ in steps] == [False, False, False, True]
    assert all(dicts(step.records()) == earlier for step, earlier in steps)


def ticking(seconds_per_look: float) -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += seconds_per_look


def test_the_time_budget_ends_a_run_with_what_there_is(tiny_predictor: Predictor, image: np.ndarray) -> None:
    options = AutomaticOptions(**LENIENT, crop_n_layers=1, points_per_batch=4, time_budget_s=3)
    clock = ticking(seconds_per_look=1)
    steps = list(generate_steps(tiny_predictor, image, options, clock=lambda: next(clock)))
    assert [step.n_points_done for step in steps] == [4, 8, 12]
    assert steps[-1].is_last
    assert not steps[-1].is_complete
    assert steps[-1].records()


def test_without_time_the_first_batch_is_done_all_the_same(tiny_predictor: Predictor, image: np.ndarray) -> None:
    assert generate(tiny_predictor, image, AutomaticOptions(**LENIENT, points_per_batch=4, time_budget_s=0))


def test_what_on_step_raises_cancels_the_run(tiny_predictor: Predictor, image: np.ndarray) -> None:
    seen: list[Step] = []

    def cancel(step: Step) -> None:
        seen.append(step)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tiny_predictor, image, AutomaticOptions(**LENIENT, points_per_batch=4), on_step=cancel)
    assert [step.n_points_done for step in seen] == [4]


def test_vast_masks_go(tiny_predictor: Predictor, image: np.ndarray) -> None:
    areas = [record.area_px for record in generate(tiny_predictor, image, AutomaticOptions(**LENIENT))]
    limit_px = int(np.median(areas))
    limited = AutomaticOptions(**LENIENT, max_area_share=limit_px / (60 * 90))
    kept = [record.area_px for record in generate(tiny_predictor, image, limited)]
    assert kept
    assert max(kept) < limit_px <= max(areas)


def test_so_many_at_most_are_the_best_by_the_mean_of_both_scores(tiny_predictor: Predictor, image: np.ndarray) -> None:
    def mean_score(record: MaskRecord) -> float:
        return (record.predicted_iou + record.stability_score) / 2

    everything = generate(tiny_predictor, image, AutomaticOptions(**LENIENT))
    best = generate(tiny_predictor, image, AutomaticOptions(**LENIENT, max_masks=3))
    expected = sorted(map(mean_score, everything), reverse=True)[:3]
    assert [mean_score(record) for record in best] == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(5, 5), (0, 5, 3)], ids=["grey", "no pixels"])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...], tiny_predictor: Predictor) -> None:
    with pytest.raises(ImageError, match=r"a picture needs the shape \(h, w, 3\)"):
        generate(tiny_predictor, np.zeros(shape, np.uint8))
