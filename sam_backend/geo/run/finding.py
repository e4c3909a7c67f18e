"""What the model found in a tile, before tiles know of each other."""

from __future__ import annotations

from dataclasses import dataclass

from sam_backend.geo.tiles import PlacedMask


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One mask of one tile."""

    placed: PlacedMask
    """In run px of the whole raster."""

    predicted_iou: float
    """The model's own estimate of its quality."""

    stability: float | None = None
    """IoU of the mask cut a little above and a little below its threshold; where it answers an outline, IoU with what a
    click alone in its midst is answered with. None where it answers clicks or a box."""

    feature_id: int | None = None
    """Of the prompt's feature; None of an automatic mask."""
