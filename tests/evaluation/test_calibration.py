from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_backend.errors import DatasetError
from sam_backend.evaluation.calibration import calibrate
from sam_backend.evaluation.calibration_plot import plot_calibration


def test_a_model_that_knows_itself_has_no_error() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.uniform(0, 1, 40_000)
    true = (rng.uniform(0, 1, 40_000) < predicted).astype(np.float64)  # right as often as it expects
    found = calibrate(predicted, true)
    assert found.expected_error < 0.01
    assert abs(found.bias) < 0.01
    assert len(found.bins) == 10


def test_a_model_that_says_the_truth_correlates_wholly() -> None:
    true = np.random.default_rng(0).uniform(0, 1, 100)
    found = calibrate(true, true)
    assert (found.pearson, found.spearman) == (pytest.approx(1), pytest.approx(1))
    assert found.expected_error == pytest.approx(0)


def test_figures_are_those_of_a_small_sum() -> None:
    found = calibrate(np.array([0.1, 0.2, 0.9, 1.3]), np.array([0.3, 0.1, 0.5, 0.9]), n_bins=2)
    assert [(one.low, one.high, one.n) for one in found.bins] == [(0, 0.5, 2), (0.5, 1, 2)]
    assert found.bins[0].mean_predicted == pytest.approx(0.15)
    assert found.bins[0].mean_true == pytest.approx(0.2)
    assert found.bins[1].mean_predicted == pytest.approx(0.95)  # 1.3 counts as 1
    assert found.expected_error == pytest.approx((2 * 0.05 + 2 * 0.25) / 4)
    assert found.bias == pytest.approx(0.55 - 0.45)
    assert found.spearman == pytest.approx(0.8)


def test_order_alone_makes_the_rank_correlation() -> None:
    true = np.linspace(0.01, 0.99, 50)
    found = calibrate(true**4, true)
    assert found.spearman == pytest.approx(1)
    assert found.pearson is not None
    assert found.pearson < 0.95


def test_what_never_varies_correlates_with_nothing() -> None:
    found = calibrate(np.full(3, 0.5), np.array([0.1, 0.2, 0.3]))
    assert (found.pearson, found.spearman) == (None, None)


@pytest.mark.parametrize("n_true", [0, 2], ids=["none", "too few"])
def test_predictions_without_truth_are_refused(n_true: int) -> None:
    with pytest.raises(DatasetError, match=f"got {n_true} for {n_true and 3}"):
        calibrate(np.zeros(n_true and 3), np.zeros(n_true))


def test_the_plot_is_a_png_that_differs_with_the_figures(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    predicted = {"box": rng.uniform(0, 1, 50), "1 click": rng.uniform(0, 1, 50)}
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    plot_calibration(predicted, predicted, "knows itself", good)
    plot_calibration(predicted, {name: 1 - one for name, one in predicted.items()}, "knows itself", bad)
    pixels = [np.asarray(Image.open(file).convert("RGB")) for file in (good, bad)]
    assert pixels[0].shape == (600, 1200, 3)
    assert (pixels[0] != pixels[1]).any()
