"""The parameters that several algorithms share, in the groups of the protocol. Functions, as texts are translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..text import tr
from .parameters import Bands, Choice, Number, Parameter, Switch

_ANY = 1e12


def reading(raster: str) -> list[Parameter]:
    """How pixels become what the model sees.

    Args:
        raster: name of the parameter of the raster.
    """
    return [
        Bands(
            "BANDS",
            "bands",
            tr("Bands, in the order red, green, blue"),
            tr("One band is shown as grey. None: those tagged red, green and blue, else the first three."),
            raster,
        ),
        Number(
            "GROUND_SIZE",
            "ground_size",
            tr("Magnification (times the raster's own)"),
            tr(
                "Shows objects so many times as large: 2 for things of a few pixels, 0.5 for things larger than a tile."
            ),
            1.0,
            0.25,
            4.0,
        ),
        Number(
            "STRETCH_LOW",
            "stretch",
            tr("Darkest share of the pixels that becomes black (%)"),
            tr("Of the whole raster; bands of 8 bits are shown as they are."),
            2.0,
            0.0,
            49.0,
        ),
        Number(
            "STRETCH_HIGH",
            "stretch",
            tr("Share of the pixels below white (%)"),
            tr("Of the whole raster; bands of 8 bits are shown as they are."),
            98.0,
            51.0,
            100.0,
        ),
        Number(
            "TILE_SIZE",
            "tile_size",
            tr("Side of a tile (pixels)"),
            tr("What the model sees at once."),
            1024,
            64,
            4096,
            is_whole=True,
        ),
        Number(
            "OVERLAP",
            "overlap",
            tr("Overlap of tiles (pixels)"),
            tr("At least as much as the largest object that should be seen whole."),
            256,
            0,
            2048,
            is_whole=True,
        ),
    ]


def automatic() -> list[Parameter]:
    """How densely is searched, and what counts as found."""
    return [
        Number(
            "POINTS_PER_SIDE",
            "points_per_side",
            tr("Points along the side of a tile"),
            tr("More find smaller objects and take longer: the time grows with the square."),
            32,
            1,
            256,
            is_whole=True,
            is_advanced=False,
        ),
        Number(
            "PRED_IOU",
            "pred_iou_thresh",
            tr("Least score (0 to 1)"),
            tr("Masks that the model itself trusts less go. Lower it where too little is found."),
            0.88,
            0.0,
            1.0,
        ),
        Number(
            "STABILITY",
            "stability_score_thresh",
            tr("Least stability (0 to 1)"),
            tr("Masks whose outline depends more on the threshold go."),
            0.95,
            0.0,
            1.0,
        ),
        Number(
            "BOX_NMS",
            "box_nms_thresh",
            tr("Overlap of boxes from which on two masks are one (IoU, 0 to 1)"),
            tr("Of two such masks the worse one goes."),
            0.7,
            0.0,
            1.0,
        ),
        Number(
            "POINTS_PER_BATCH",
            "points_per_batch",
            tr("Points computed together"),
            tr("Fewer need less memory; the result is the same."),
            64,
            1,
            4096,
            is_whole=True,
        ),
        Switch(
            "HEAL",
            "heal",
            tr("Look again at objects that no tile saw whole"),
            tr("Shows each of them to the model once more, in a tile of its own."),
            True,
        ),
    ]


def results() -> list[Number | Choice | Switch]:
    """Which objects are written, and how they are drawn; all of it can be had later too, from the journal."""
    return [
        Number(
            "MIN_AREA",
            "min_area",
            tr("Least area (m²)"),
            tr("Smaller objects go. Areas are measured on the ellipsoid."),
            0.0,
            0.0,
            _ANY,
            is_advanced=False,
        ),
        Number(
            "MAX_AREA",
            "max_area",
            tr("Largest area (m²; empty: any)"),
            tr("Larger objects go."),
            None,
            0.0,
            _ANY,
        ),
        Number(
            "MIN_HOLE",
            "min_hole",
            tr("Least area of a hole (m²)"),
            tr("Smaller holes are filled."),
            0.0,
            0.0,
            _ANY,
        ),
        Number(
            "MIN_SCORE",
            "min_score",
            tr("Least score of a written object (0 to 1; 0: any)"),
            tr("The IoU that the model predicts."),
            0.0,
            0.0,
            1.0,
        ),
        Number(
            "MIN_STABILITY",
            "min_stability",
            tr("Least stability of a written object (0 to 1; 0: any)"),
            tr("How little the outline depends on the threshold."),
            0.0,
            0.0,
            1.0,
        ),
        Choice(
            "NESTING",
            "nesting",
            tr("Objects within objects"),
            tr(
                "Which of nested objects stay. Without overlaps, smaller objects lie over larger ones, of which the "
                "rest remains."
            ),
            [
                ("all", tr("All stay")),
                ("top_level", tr("Only the outermost")),
                ("parts", tr("Only the innermost")),
                ("flat", tr("All, without overlaps")),
            ],
        ),
        Choice(
            "DRAWING",
            "drawing",
            tr("Outlines"),
            tr(
                "Each for itself; with right angles where that fits, for buildings; or with borders that neighbours "
                "share, for fields and land cover (that takes objects without overlaps)."
            ),
            [
                ("outlines", tr("Each for itself")),
                ("right_angles", tr("Right angles where they fit")),
                ("coverage", tr("Shared borders")),
            ],
        ),
        Number(
            "SIMPLIFY",
            "simplify",
            tr("How far an outline may stray (pixels)"),
            tr("From the edges of its pixels; 0 keeps every corner. Empty: what suits the way of drawing."),
            None,
            0.0,
            100.0,
        ),
        Switch(
            "KEEP_PIECES",
            "keep_pieces",
            tr("Keep all pieces of an object"),
            tr("Else the largest alone."),
            False,
        ),
    ]


def complaint(given: Mapping[str, Any]) -> str:
    """What contradicts itself in values that are each within their bounds; empty if nothing does.

    Args:
        given: values by parameter; those missing count as unobjectionable.
    """
    if "OVERLAP" in given and "TILE_SIZE" in given and given["OVERLAP"] >= given["TILE_SIZE"]:
        return tr("The overlap is {0} and the tile {1} pixels: choose an overlap smaller than the tile.").format(
            given["OVERLAP"], given["TILE_SIZE"]
        )
    if given.get("MAX_AREA") is not None and given["MAX_AREA"] <= given.get("MIN_AREA", 0.0):
        return tr("Areas from {0:g} to {1:g} m² leave nothing: choose a larger maximum.").format(
            given["MIN_AREA"], given["MAX_AREA"]
        )
    if given.get("DRAWING") == "coverage" and given.get("NESTING") != "flat":
        return tr("Shared borders need objects that don't overlap: choose 'All, without overlaps' too.")
    if len(given.get("BANDS") or ()) > 3:
        return tr("{0} bands were chosen: choose one (grey), two or three (red, green, blue).").format(
            len(given["BANDS"])
        )
    return ""
