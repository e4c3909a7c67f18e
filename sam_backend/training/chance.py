"""Chance by counting: what picture k of step t draws depends on the seed, t and k alone.

So a resumed run goes on bit for bit without saved generators, and several processes that share a step draw what one
process would have drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, slots=True, eq=False)
class Chance:
    """The sources of chance for one picture of one step."""

    rng: np.random.Generator
    """For the choice of the picture, its place and its changes."""

    step_rng: np.random.Generator
    """The same for all pictures of a step, for what decides how long one takes: no process waits for another then."""

    generator: torch.Generator
    """For the simulated annotator; on the device of the network."""

    dropout_seed: int
    """For what is drawn inside the network."""

    @classmethod
    def of(cls, seed: int, step: int, picture: int, device: torch.device) -> Chance:
        """The chance of one picture of one step."""
        draw, annotate, drop = np.random.SeedSequence([seed, step, picture]).spawn(3)
        generator = torch.Generator(device).manual_seed(int(annotate.generate_state(1)[0]))
        return cls(
            rng=np.random.default_rng(draw),
            step_rng=np.random.default_rng([seed, step]),
            generator=generator,
            dropout_seed=int(drop.generate_state(1)[0]),
        )
