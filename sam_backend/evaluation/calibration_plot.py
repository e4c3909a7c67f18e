"""A picture of the calibration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sam_backend.evaluation.calibration import calibrate
from sam_backend.evaluation.extras import import_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_CELLS = 40
"""Cells of the histogram along each axis."""

Series = Mapping[str, NDArray[np.float64]]
"""(n,) by the name of the series."""


def plot_calibration(predicted_iou: Series, true_iou: Series, title: str, file: Path) -> None:
    """Draw, as a PNG, the calibration curve of each series and the histogram of all answers together.

    Args:
        predicted_iou: at least one series.
        true_iou: the same series.
        title: of the whole.
        file: to be written.

    Raises:
        MissingExtraError: matplotlib isn't installed.
    """
    figure: Figure = import_extra("matplotlib.figure").Figure(figsize=(10, 5), layout="constrained")  # needs no screen
    figure.suptitle(title)
    curves, histogram = figure.subplots(1, 2)
    _draw_curves(curves, predicted_iou, true_iou)
    _draw_histogram(histogram, *(np.concatenate(list(series.values())) for series in (predicted_iou, true_iou)))
    for axes in (curves, histogram):
        axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="predicted IoU", ylabel="true IoU", aspect="equal")
    figure.savefig(file, dpi=120)


def _draw_curves(axes: Axes, predicted_iou: Series, true_iou: Series) -> None:
    for name, predicted in predicted_iou.items():
        found = calibrate(predicted, true_iou[name])
        means = [(one.mean_predicted, one.mean_true) for one in found.bins]
        axes.plot(*zip(*means, strict=True), marker="o", label=f"{name} (error {found.expected_error:.3f})")
    axes.legend(loc="upper left", fontsize="small")
    axes.set_title("means of bins")


def _draw_histogram(axes: Axes, predicted_iou: NDArray[np.float64], true_iou: NDArray[np.float64]) -> None:
    cells = np.linspace(0, 1, N_CELLS + 1)
    counts, *_, mesh = axes.hist2d(predicted_iou.clip(0, 1), true_iou, bins=(cells, cells), norm="log")
    axes.figure.colorbar(mesh, ax=axes, label="masks", shrink=0.8)
    axes.set_title(f"all {int(counts.sum())} masks")
