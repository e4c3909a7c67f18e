"""What the profile says of the next thing to speed up."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.suite.measurement import OURS, Measurement

AUTOMATIC = "automatic masks: "
NEAR_THE_LIMIT = 0.8


def tell_bottleneck(measurements: Sequence[Measurement]) -> str:
    """A paragraph on the parts of automatic masks: their shares, the largest one, and how far it is from its limit."""
    parts = {
        one.case.removeprefix(AUTOMATIC): one for one in measurements if one.case.startswith(AUTOMATIC) and one.seconds
    }
    if not parts:
        return ""
    whole_s = sum(one.median_s(OURS) for one in parts.values())
    shares = {name: one.median_s(OURS) / whole_s for name, one in parts.items()}
    listed = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    largest = max(shares, key=lambda name: shares[name])
    return f"Of {whole_s:.1f} s of automatic masks: {listed}. The next bottleneck is **{largest}**. " + _outlook(
        parts[largest]
    )


def _outlook(largest: Measurement) -> str:
    if largest.gflop is None:
        return "It is numpy on one thread: its masks are independent, so threads would divide it."
    share = largest.gemm_share(OURS)
    rate = f"By the work that the paper's formulas need, its rate is {share:.2f} of the matrix product's"
    if share > NEAR_THE_LIMIT:
        return f"{rate}: only fewer operations or narrower numbers than float32 can make it much faster."
    return f"{rate}: as good code as the matrix product's would make it {1 / share:.1f} times as fast."
