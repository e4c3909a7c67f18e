"""The picture beside the tables: ratios, memory, and growth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.container import BarContainer

from benchmarks.suite.measurement import OFFICIAL, OURS, PYCOCOTOOLS, SDK, TRANSFORMERS, Measurement

ABOVE: dict[str, Any] = {
    "loc": "lower left",
    "bbox_to_anchor": (0, 1),
    "ncols": 3,
    "fontsize": 7,
    "handlelength": 2.5,
    "columnspacing": 1,
    "frameon": False,
}
"""Where a legend hides nothing."""

COLOURS = {OURS: "#1b9e77", OFFICIAL: "#d95f02", TRANSFORMERS: "#7570b3", SDK: "#e6ab02", PYCOCOTOOLS: "#666666"}


def draw(measurements: Sequence[Measurement], path: Path) -> None:
    """Write the PNG."""
    figure, axes = plt.subplots(2, 3, figsize=(15, 9), layout="constrained")
    compared = [one for one in measurements if not one.part.startswith(("growth", "profile")) and len(one.seconds) > 1]
    _bars(axes[0, 0], [one for one in compared if one.part != "codecs"], Measurement.ratio, "times as long as ours")
    _bars(axes[0, 1], [one for one in compared if one.part == "codecs"], Measurement.ratio, "times as long as ours")
    with_memory = [one for one in compared if any(one.peak_mb.values()) and one.part != "codecs"]
    _bars(axes[0, 2], with_memory, lambda one, name: one.peak_mb.get(name, float("nan")), "MB at the peak", [OURS])
    for axis, (part, x_label) in zip(
        axes[1], {"pixels": "pixels of the picture", "points": "points", "threads": "threads"}.items(), strict=True
    ):
        _lines(axis, [one for one in measurements if one.part == f"growth with {part}"], x_label)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _bars(
    axis: Axes,
    measurements: Sequence[Measurement],
    value: Callable[[Measurement, str], float],
    label: str,
    besides: Sequence[str] = (),
) -> None:
    """Horizontal bars, a group for each case."""
    legend: dict[str, BarContainer] = {}
    for row, one in enumerate(measurements):
        drawn = [*besides, *(name for name in one.seconds if name != OURS)]
        thickness = 0.8 / len(drawn)
        for nth, name in enumerate(drawn):
            height = row - 0.4 + (nth + 0.5) * thickness
            legend[name] = axis.barh(height, value(one, name), thickness, color=COLOURS[name])
    axis.set_yticks(range(len(measurements)), [one.case for one in measurements], fontsize=7)
    axis.set(xscale="log", xlabel=label)
    if measurements:
        axis.invert_yaxis()
        axis.legend(legend.values(), legend.keys(), **ABOVE)
    if not besides:
        axis.axvline(1, color=COLOURS[OURS])


def _lines(axis: Axes, measurements: Sequence[Measurement], x_label: str) -> None:
    """Seconds along an axis, both logarithmic; a line for each contender and kind of work."""
    for kind in dict.fromkeys(_kind(one) for one in measurements):
        of_kind = [one for one in measurements if _kind(one) == kind]
        for name in dict.fromkeys(name for one in of_kind for name in one.seconds):
            drawn = [one for one in of_kind if name in one.seconds]
            axis.plot(
                [one.at for one in drawn],
                [one.median_s(name) for one in drawn],
                marker="o",
                linestyle="-" if kind == _kind(measurements[0]) else "--",
                color=COLOURS[name],
                label=f"{kind} {name}".strip(),
            )
    axis.set(xscale="log", yscale="log", xlabel=x_label, ylabel="s")
    ticks = sorted({one.at for one in measurements if one.at is not None})
    axis.set_xticks(ticks, [f"{tick:.3g}" if tick < 1e5 else f"{tick / 1e6:.2g} M" for tick in ticks])
    axis.set_xticks([], minor=True)
    if measurements:
        axis.legend(**ABOVE | {"ncols": 2})


def _kind(one: Measurement) -> str:
    return one.case.split(" on ")[0] if " on " in one.case else ""
