"""What the project promises, held against what a run gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.suite import automatic, click, codecs, encode
from benchmarks.suite.measurement import OFFICIAL, OURS, SDK, TRANSFORMERS, Measurement

NO_VALUE = float("nan")


@dataclass(frozen=True, slots=True)
class Target:
    """A promise and what came of it."""

    promise: str
    measured: str
    is_kept: bool


def check_targets(measurements: Sequence[Measurement]) -> Iterator[Target]:
    """Yield those of which this run measured something."""
    for part, case, check in _CHECKS:
        for measured in measurements:
            if measured.part == part and case in measured.case:
                yield from check(measured)


def _automatic_whole(measured: Measurement) -> Iterator[Target]:
    if measured.ratio(OFFICIAL) == measured.ratio(OFFICIAL):
        yield _at_least("automatic masks, whole", measured.ratio(OFFICIAL), 5, "times the official speed")
    agreement = measured.remarks[1:]
    is_equal = not any("NOT" in remark for remark in agreement)
    yield Target(
        "automatic masks: the same but for pixels with a logit within 1e-4 of the threshold",
        "; ".join(agreement),
        is_equal,
    )


def _automatic_rest(measured: Measurement) -> Iterator[Target]:
    yield _at_least("automatic masks without encode", measured.ratio(OFFICIAL), 8, "times the official speed")


def _large(measured: Measurement) -> Iterator[Target]:
    peak_mb = measured.peak_mb[OURS]
    yield Target("automatic masks of 12 Mpx: below 2000 MB above the model", f"{peak_mb:.0f} MB", peak_mb < 2000)


def _encoder(measured: Measurement) -> Iterator[Target]:
    official, theirs, share = measured.ratio(OFFICIAL), measured.ratio(TRANSFORMERS), measured.gemm_share(OURS)
    yield Target(
        "encoder ViT-B: 1.8 times the official speed and 1.3 times that of transformers, or 0.65 of the GEMM rate",
        f"{official:.2f} times, {theirs:.2f} times, {share:.2f}",
        (official >= 1.8 and theirs >= 1.3) or share >= 0.65,
    )
    memory = measured.peak_mb[OURS] / max(measured.peak_mb[OFFICIAL], 1e-9)
    yield Target(
        "encoder ViT-B: at most a third of the official memory above the weights", f"{memory:.2f}", memory <= 1 / 3
    )


def _segment(measured: Measurement) -> Iterator[Target]:
    ms = 1000 * measured.median_s(OURS)
    yield Target("one click, three full-size masks: about 30 ms", f"{ms:.1f} ms", ms <= 33)


def _brush_click(measured: Measurement) -> Iterator[Target]:
    yield _at_least("one click to brush RLE", measured.ratio(OFFICIAL), 5, "times the official code with the SDK")


def _brush(measured: Measurement) -> Iterator[Target]:
    yield _at_least(measured.case, measured.ratio(SDK), 5, "times the SDK's speed")


def _at_least(what: str, ratio: float, wanted: float, of_what: str) -> Target:
    return Target(f"{what}: at least {wanted:g} {of_what}", f"{ratio:.1f}", ratio >= wanted)


_CHECKS: tuple[tuple[str, str, Callable[[Measurement], Iterator[Target]]], ...] = (
    (automatic.PART, "32 x 32 points, 1500 x 1000: without encode", _automatic_rest),
    (automatic.PART, "32 x 32 points, 1500 x 1000: whole", _automatic_whole),
    (encode.PART, "ViT-B", _encoder),
    (click.PART, "three full-size masks", _segment),
    (click.PART, "brush RLE", _brush_click),
    (codecs.PART, "brush encode, 4000 x 3000", _brush),
    (automatic.PART, "32 x 32 points, 4000 x 3000: whole", _large),
)
