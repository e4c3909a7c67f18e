import numpy as np
import pytest

from sam_backend.evaluation.baselines import filled_box, inscribed_ellipse
from sam_backend.evaluation.box_iou import Scores, innermost_pixel_xy, iou, mean_scores, score_objects
from sam_backend.predict.predictor import Predictor
from sam_backend.training.sample import Sample, mask_box_xyxy


def disc(radius: float, centre_xy: tuple[float, float] = (40, 30), image_hw: tuple[int, int] = (60, 80)) -> np.ndarray:
    y, x = np.mgrid[: image_hw[0], : image_hw[1]] + 0.5
    return (x - centre_xy[0]) ** 2 + (y - centre_xy[1]) ** 2 <= radius**2


def test_baselines_of_a_disc_are_those_of_geometry() -> None:
    truth = disc(20)
    box = mask_box_xyxy(truth)
    assert iou(filled_box(box, truth.shape), truth) == pytest.approx(np.pi / 4, abs=0.02)
    assert iou(inscribed_ellipse(box, truth.shape), truth) > 0.97


def test_iou_of_nothing_with_nothing_is_zero() -> None:
    assert iou(np.zeros((2, 2), np.bool_), np.zeros((2, 2), np.bool_)) == 0


@pytest.mark.parametrize(
    ("mask", "expected"),
    [(disc(15), (40, 30)), (disc(15, centre_xy=(0, 30)), (7, 30))],
    ids=["inside", "cut by the edge"],
)
def test_the_innermost_pixel_is_far_from_every_edge(mask: np.ndarray, expected: tuple[float, float]) -> None:
    assert innermost_pixel_xy(mask) == pytest.approx(expected, abs=1.5)


def test_the_innermost_pixel_of_one_pixel_is_its_centre() -> None:
    mask = np.zeros((5, 9), np.bool_)
    mask[3, 6] = True
    assert innermost_pixel_xy(mask) == (6.5, 3.5)


def test_every_object_counts_once(tiny_predictor: Predictor) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    samples = [Sample(image, np.stack([disc(10), disc(5)])), Sample(image, disc(20)[None])]
    scores = score_objects(tiny_predictor, samples)
    assert len(scores) == 3
    assert all(score.click_best_of_three >= score.click for score in scores)
    mean = mean_scores(scores)
    assert mean.filled_box == pytest.approx(np.mean([score.filled_box for score in scores]))


def test_the_mean_is_the_mean() -> None:
    low, high = Scores(0, 0, 0, 0, 0.2), Scores(1, 0.5, 0, 0, 0.4)
    assert mean_scores([low, high]) == Scores(0.5, 0.25, 0, 0, pytest.approx(0.3))
