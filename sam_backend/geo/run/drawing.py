"""How objects become outlines: along the pixels first, then with fewer corners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sam_backend.geo.coverage import simplify_coverage
from sam_backend.geo.outlines import Polygonal, outline_of
from sam_backend.geo.right_angles import right_angled
from sam_backend.geo.run.result_options import ResultOptions
from sam_backend.geo.simplify import simplify_outline
from sam_backend.geo.tiles import PlacedMask


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Outlines in run px, one for each object."""

    along_pixels: list[Polygonal]
    """As the masks have them."""

    outlines: list[Polygonal]
    """As they are to be written."""


def draw(masks: Sequence[PlacedMask], options: ResultOptions, min_hole_px2: Sequence[float]) -> Drawn:
    """Outline objects as the options say.

    Args:
        masks: of the objects; without overlaps where shared borders are asked for, and then all of them at once.
        options: the manner.
        min_hole_px2: of each object; smaller holes are filled, but not in a coverage, where a neighbour may lie in one.
    """
    is_coverage = options.drawing == "coverage"
    along_pixels = [
        outline_of(mask, 0.0 if is_coverage else least_hole_px2, largest_piece_only=not options.keeps_pieces)
        for mask, least_hole_px2 in zip(masks, min_hole_px2, strict=True)
    ]
    if is_coverage:
        return Drawn(along_pixels, list(simplify_coverage(along_pixels, options.simplify_px)))
    return Drawn(along_pixels, [_simplified(outline, options) for outline in along_pixels])


def _simplified(outline: Polygonal, options: ResultOptions) -> Polygonal:
    squared = right_angled(outline) if options.drawing == "right_angles" else None
    return simplify_outline(outline, options.simplify_px) if squared is None else squared
