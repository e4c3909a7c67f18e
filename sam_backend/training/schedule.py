"""How the learning rate moves in the course of a run."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["steps", "cosine", "constant"]
"""The paper's two drops by ten, half a cosine, or no change, for a run that another one goes on from."""

PAPER_N_STEPS = 90_000
PAPER_DROPS_AT = (60_000, 86_666)
"""After how many of its steps the paper divides the rate by ten (appendix A, "Training recipe")."""

LEAST_COSINE_FACTOR = 0.01


def learning_rate_factor(n_steps_done: int, n_steps: int, schedule: Schedule, n_warmup_steps: int = 250) -> float:
    """What the learning rate is multiplied with at the next step: 0..1.

    Args:
        n_steps_done: of this run, from 0.
        n_steps: of the whole run, the warm-up among them. The paper's drops move with it.
        schedule: what follows the warm-up.
        n_warmup_steps: in which the factor grows linearly to 1.
    """
    if n_steps_done < n_warmup_steps:
        return (n_steps_done + 1) / n_warmup_steps
    if schedule == "steps":
        # Compared in whole numbers, so that a run of 180,000 steps drops at exactly 120,000.
        n_drops = sum(n_steps_done * PAPER_N_STEPS >= drop_at * n_steps for drop_at in PAPER_DROPS_AT)
        return (1.0, 0.1, 0.01)[n_drops]
    if schedule == "constant":
        return 1.0
    progress = (n_steps_done - n_warmup_steps) / max(1, n_steps - n_warmup_steps)
    return max(LEAST_COSINE_FACTOR, 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))
