"""What a labeling config asks of an answer: the ``model_*`` attributes of the tag that is answered with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sam_backend.errors import RequestError

_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How one tag wants its regions."""

    simplify_px: float = 1.0
    """``model_simplify_px``: how far a polygon or vector may lie beside the mask's edge."""

    cuts_holes: bool = False
    """``model_holes``: "cut" leads a slit into each hole of a polygon or vector, "fill" (the usual) fills them."""

    largest_part_only: bool = False
    """``model_parts``: "largest" answers one part of an object in pieces, "all" (the usual) every part."""

    is_rotated: bool = False
    """``model_rotated``: a rectangle may be turned, to be as small as can be."""

    score_threshold: float = 0.0
    """``model_score_threshold``: an object with a lower score isn't answered."""

    multimask: bool = True
    """``model_multimask``: a single click is answered by the best of three masks, not by the one between them."""


def parse_output_options(attributes: Mapping[str, str], tag_name: str) -> OutputOptions:
    """Read the ``model_*`` attributes of the tag called ``tag_name``; their keys are in lower case.

    Raises:
        RequestError: one of them has a value that makes no sense.
    """
    reader = _Attributes(attributes, tag_name)
    return OutputOptions(
        simplify_px=reader.number("model_simplify_px", usual=1.0, most=1e6),
        cuts_holes=reader.choice("model_holes", {"fill": False, "cut": True}, usual=False),
        largest_part_only=reader.choice("model_parts", {"all": False, "largest": True}, usual=False),
        is_rotated=reader.choice("model_rotated", _TRUTHS, usual=False),
        score_threshold=reader.number("model_score_threshold", usual=0.0, most=1.0),
        multimask=reader.choice("model_multimask", _TRUTHS, usual=True),
    )


@dataclass(frozen=True, slots=True)
class _Attributes:
    values: Mapping[str, str]
    tag_name: str

    def number(self, name: str, usual: float, most: float) -> float:
        text = self.values.get(name)
        if text is None:
            return usual
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 <= number <= most:
            raise self._refusal(name, f"a number from 0 to {most:g}")
        return number

    def choice(self, name: str, choices: Mapping[str, bool], usual: bool) -> bool:
        text = self.values.get(name)
        if text is None:
            return usual
        chosen = choices.get(text.strip().lower())
        if chosen is None:
            raise self._refusal(name, " or ".join(f'"{choice}"' for choice in choices))
        return chosen

    def _refusal(self, name: str, wanted: str) -> RequestError:
        return RequestError(
            f"the labeling config has {name}={self.values[name][:40]!r} in the tag {self.tag_name[:60]!r}, where "
            f"{wanted} was wanted: correct it in the project's settings"
        )
