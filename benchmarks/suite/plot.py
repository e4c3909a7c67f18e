"""The picture beside the tables: ratios, memory, and growth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.suite.measurement import OFFICIAL, OURS, TRANSFORMERS, Measurement

COLOURS = {OURS: "#1b9e77", OFFICIAL: "#d95f02", TRANSFORMERS: "#7570b3"}
OTHERS = "#666666"


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
    contenders = [*besides, *dict.fromkeys(name for one in measurements for name in one.seconds if name != OURS)]
    thickness = 0.8 / max(1, len(contenders))
    for nth, name in enumerate(contenders):
        heights = [row + nth * thickness for row in range(len(measurements))]
        values = [value(one, name) for one in measurements]
        axis.barh(heights, values, thickness, label=name, color=COLOURS.get(name, OTHERS))
    axis.set_yticks(range(len(measurements)), [one.case for one in measurements], fontsize=7)
    axis.set(xscale="log", xlabel=label)
    if measurements:
        axis.invert_yaxis()
        axis.legend(fontsize=8)
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
                color=COLOURS.get(name, OTHERS),
                label=f"{kind} {name}".strip(),
            )
    axis.set(xscale="log", yscale="log", xlabel=x_label, ylabel="s")
    if measurements:
        axis.legend(fontsize=8)


def _kind(one: Measurement) -> str:
    return one.case.split(" on ")[0] if " on " in one.case else ""
