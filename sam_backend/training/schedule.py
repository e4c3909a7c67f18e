"""The learning rate over a run."""

from __future__ import annotations

import math
from typing import Literal

Decay = Literal["steps", "cosine", "constant"]
"""The paper's two drops to a tenth, half a cosine down to a hundredth, or none."""

PAPER_DROPS = (60_000 / 90_000, 86_666 / 90_000)
"""When the paper divides the rate by ten, as shares of its run (appendix A)."""

SMALLEST_FACTOR = 0.01


def learning_rate_factor(step: int, n_steps: int, *, n_warmup_steps: int, decay: Decay) -> float:
    """What to multiply the full rate with at a step: a linear warm-up, then the decay; 0 < factor <= 1.

    Args:
        step: from 0 to ``n_steps - 1``.
        n_steps: of the whole run.
        n_warmup_steps: how long the rate grows.
        decay: see `Decay`.
    """
    if step < n_warmup_steps:
        return (step + 1) / n_warmup_steps
    if decay == "steps":
        n_drops: int = sum(step >= share * n_steps for share in PAPER_DROPS)
        return float(0.1**n_drops)
    if decay == "cosine":
        progress = (step - n_warmup_steps) / max(1, n_steps - n_warmup_steps)
        return max(SMALLEST_FACTOR, 0.5 * (1 + math.cos(math.pi * progress)))
    return 1.0
