"""What becomes of the objects of a run: which stay, and how they are drawn. None of it needs the model again."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal

from sam_backend.errors import OptionsError
from sam_backend.geo.merge import NestingPolicy
from sam_backend.geo.simplify import TOLERANCE_PX

Drawing = Literal["outlines", "right_angles", "coverage"]
"""Each outline for itself; buildings with right angles where that fits; or neighbours with shared borders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultOptions:
    """Filters first, then nesting, then drawing; objects that lost pixels to others are filtered once more."""

    min_score: float = 0.0
    """Predicted IoU below which an object goes; 0: none does."""

    min_stability: float = 0.0
    """The same of the stability score."""

    min_area_m2: float = 0.0
    """Of an object's ``area_m2``, as it is drawn and measured where it lies."""

    max_area_m2: float = math.inf
    """The same."""

    min_hole_m2: float = 0.0
    """Smaller holes are filled."""

    nesting: NestingPolicy = NestingPolicy.ALL
    drawing: Drawing = "outlines"

    simplify_px: float = TOLERANCE_PX
    """How far an outline may stray; 0 keeps every corner."""

    keeps_pieces: bool = False
    """Whether an object of several pieces keeps all, or the largest."""

    compares: bool = False
    """Whether it is told what became of the outlines that were the prompts; see `geo.compare`."""

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            OptionsError: one makes no sense.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and (math.isnan(value) or value < 0):
                raise OptionsError(f"{field.name} is {value:g}: give 0 or more")
        if self.max_area_m2 <= self.min_area_m2:
            raise OptionsError(
                f"areas from {self.min_area_m2:g} to {self.max_area_m2:g} m2 leave nothing: give a larger maximum"
            )
        if self.drawing == "coverage" and self.nesting is not NestingPolicy.FLAT:
            raise OptionsError("shared borders need objects that don't overlap: ask for the nesting policy flat too")

    @property
    def limits_areas(self) -> bool:
        """Whether objects go by their size."""
        return self.min_area_m2 > 0 or math.isfinite(self.max_area_m2)

    @property
    def asks_for_areas(self) -> bool:
        """Whether it takes square metres to fulfil it."""
        return self.limits_areas or self.min_hole_m2 > 0
