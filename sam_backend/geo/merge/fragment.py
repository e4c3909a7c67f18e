"""What goes into merging and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

from sam_backend.geo.tiles import PlacedMask


@dataclass(frozen=True, slots=True, eq=False)
class Fragment:
    """One mask as one tile saw it: a whole object, or a piece cut off by the tile's edge."""

    tile_index: int

    placed: PlacedMask
    """In run px of the whole raster, inside its tile."""

    predicted_iou: float
    """What the model thinks of the mask, about 0 to 1."""

    stability: float
    """IoU of the mask under a stricter and a laxer threshold, 0 to 1."""

    @property
    def score(self) -> float:
        """Predicted IoU times stability."""
        return self.predicted_iou * self.stability


@dataclass(frozen=True, slots=True, eq=False)
class MergedObject:
    """One object of the raster."""

    placed: PlacedMask
    """In run px of the whole raster; may be larger than a tile."""

    predicted_iou: float
    """The highest of its readings."""

    stability: float
    """The highest of its readings."""

    tile_indices: tuple[int, ...]
    """Which tiles' readings are taken to be this object, in order. One tile is named once."""

    seam_iou: float | None
    """Mean IoU of its readings inside the rectangles that two tiles saw, a free sign of quality; None for one reading
    alone."""

    is_cut_at_raster_edge: bool
    """Whether it reaches the edge of the raster, so may go on beyond."""

    is_unresolved_cut: bool
    """Whether no tile saw it whole: it is put together of pieces, or it is one piece that found no counterpart."""

    feature_id: int | None = None
    """Of the feature that asked for it; None of an object found automatically."""

    @property
    def n_tiles(self) -> int:
        """How many tiles saw it."""
        return len(self.tile_indices)

    @property
    def score(self) -> float:
        """Predicted IoU times stability."""
        return self.predicted_iou * self.stability
