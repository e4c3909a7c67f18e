"""From measurements to the tables of RESULTS.md."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

import segment_anything
import torch
import transformers

from benchmarks.suite import profile
from benchmarks.suite.bottleneck import tell_bottleneck
from benchmarks.suite.measurement import OURS, Measurement
from benchmarks.suite.targets import check_targets

PLOT_NAME = "results.png"
TITLES = {
    "encode": "Image encoder",
    "click": "Prompts on a picture that is embedded",
    "automatic": "Automatic masks",
    "codecs": "Mask codecs",
    "growth with pixels": "Growth with the picture's pixels",
    "growth with points": "Growth with the points (automatic masks without encode)",
    "growth with threads": "Growth with the threads",
    "profile": "Where our time goes",
}


def render(measurements: Sequence[Measurement], n_threads: int) -> str:
    """The whole of RESULTS.md."""
    blocks = ["# Benchmarks", _conditions(measurements, n_threads), f"![Times and memory]({PLOT_NAME})"]
    blocks += ["## What is promised", _targets(measurements)]
    for part, title in TITLES.items():
        of_part = [one for one in measurements if one.part == part]
        if of_part:
            blocks += [f"## {title}", *_part(part, of_part)]
    return "\n\n".join(blocks) + "\n"


def _conditions(measurements: Sequence[Measurement], n_threads: int) -> str:
    rates = [one.gemm_gflops for one in measurements if one.gemm_gflops]
    gemm = f"a {2048}³ matrix product gave {median(rates):.0f} GFLOP/s (median of the run)" if rates else ""
    return (
        f"Written by `make bench` on {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC: {_processor()}, {n_threads} of "
        f"{os.cpu_count()} threads; torch {torch.__version__}, segment-anything {_version(segment_anything)}, "
        f"transformers {transformers.__version__}; {gemm}. Same seeded weights; contenders take turns, ours in one "
        "process and the others in a second; times are medians. A ratio says how many times as long as ours. "
        '"Of GEMM" is the rate of the work that the paper\'s formulas need (whoever spares some) as a share of the '
        "matrix product's rate between the turns. Memory is the peak above weights and inputs."
    )


def _version(module: object) -> str:
    return getattr(module, "__version__", "1.0")


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _targets(measurements: Sequence[Measurement]) -> str:
    rows = [(one.promise, one.measured, "yes" if one.is_kept else "**no**") for one in check_targets(measurements)]
    return _table(("promise", "measured", "kept"), rows)


def _part(part: str, measurements: Sequence[Measurement]) -> Iterator[str]:
    timed = [one for one in measurements if one.seconds]
    contenders = list(dict.fromkeys(name for one in timed for name in one.seconds))
    rivals = [name for name in contenders if name != OURS]
    has_gemm, has_memory = any(one.gflop for one in timed), any(any(one.peak_mb.values()) for one in timed)
    header = ["case", "turns", *contenders, *(f"{name} / ours" for name in rivals)]
    header += [f"{name}: of GEMM" for name in contenders] if has_gemm else []
    header += [f"{name}: MB" for name in contenders] if has_memory else []
    yield _table(header, [_row(one, contenders, rivals, has_gemm, has_memory) for one in timed])
    remarks = [f"- {one.case}: {remark}" for one in measurements for remark in one.remarks]
    if remarks:
        yield "\n".join(remarks)
    if part == profile.PART:
        yield tell_bottleneck(measurements)


def _row(
    one: Measurement, contenders: Sequence[str], rivals: Sequence[str], has_gemm: bool, has_memory: bool
) -> list[str]:
    cells = [one.case, str(len(one.seconds[OURS])), *(_seconds(one.median_s(name)) for name in contenders)]
    cells += [_number(one.ratio(name), "{:.1f}") for name in rivals]
    if has_gemm:
        cells += [_number(one.gemm_share(name), "{:.2f}") for name in contenders]
    if has_memory:
        cells += [_number(one.peak_mb.get(name, math.nan), "{:.0f}") for name in contenders]
    return cells


def _seconds(seconds: float) -> str:
    return _number(seconds, "{:.2f} s") if seconds >= 1 else _number(1000 * seconds, "{:.1f} ms")


def _number(value: float, pattern: str) -> str:
    return "" if math.isnan(value) else pattern.format(value)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
