"""Whether a model's predicted IoU means what it says."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from sam_backend.errors import DatasetError

N_BINS = 10


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """The answers whose predicted IoU lies in one stretch of 0..1."""

    low: float
    high: float
    n: int
    mean_predicted: float
    mean_true: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Predicted IoU against true IoU over many answers."""

    n: int
    pearson: float | None
    """Linear correlation; None where either doesn't vary."""

    spearman: float | None
    """Correlation of the ranks: whether higher means better. None as above."""

    expected_error: float
    """Expected calibration error (Naeini et al. 2015): the gap between the means of a bin, weighted by its answers."""

    bias: float
    """Mean predicted minus mean true IoU: positive where the model trusts itself too much."""

    bins: tuple[CalibrationBin, ...]
    """Those with answers in them, from low to high."""

    def to_json(self) -> dict[str, object]:
        """All figures as JSON takes them."""
        return asdict(self)


def calibrate(predicted_iou: NDArray[np.float64], true_iou: NDArray[np.float64], n_bins: int = N_BINS) -> Calibration:
    """Compare predicted IoU (n,) with true IoU (n,), n >= 1; predictions are clipped to 0..1, where an IoU can be.

    Raises:
        DatasetError: there are none, or not as many of one as of the other.
    """
    if not len(predicted_iou) == len(true_iou) > 0:
        raise DatasetError(
            f"a calibration needs a true IoU for each predicted one, got {len(true_iou)} for {len(predicted_iou)}"
        )
    clipped = predicted_iou.clip(0, 1)
    bins = _fill_bins(clipped, true_iou, n_bins)
    return Calibration(
        n=len(clipped),
        pearson=_correlation(clipped, true_iou),
        spearman=_correlation(_ranks(clipped), _ranks(true_iou)),
        expected_error=sum(one.n * abs(one.mean_predicted - one.mean_true) for one in bins) / len(clipped),
        bias=float(clipped.mean() - true_iou.mean()),
        bins=bins,
    )


def _fill_bins(predicted: NDArray[np.float64], true: NDArray[np.float64], n_bins: int) -> tuple[CalibrationBin, ...]:
    index = np.minimum((predicted * n_bins).astype(int), n_bins - 1)
    return tuple(
        CalibrationBin(
            low=float(at) / n_bins,
            high=float(at + 1) / n_bins,
            n=int(np.count_nonzero(index == at)),
            mean_predicted=float(predicted[index == at].mean()),
            mean_true=float(true[index == at].mean()),
        )
        for at in np.unique(index)
    )


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rankdata(values), np.float64)


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])
