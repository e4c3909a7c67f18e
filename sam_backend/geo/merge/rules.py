"""The thresholds of merging."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sam_backend.errors import OptionsError


@dataclass(frozen=True, slots=True)
class MergeRules:
    """When two readings are one object. The defaults are measured: see ``benchmarks/merging/MERGING.md``."""

    match_iou: float = 0.2
    """Readings of two tiles match from this IoU inside the rectangle that both tiles saw."""

    seam_iou: float = 0.6
    """The same where tiles meet without overlap: IoU of the pixels along the seam, in one dimension."""

    sliver_share: float = 0.5
    """A cut reading within this share of the overlap from the edge that cuts it is a sliver: the neighbour saw more."""

    leftover_coverage: float = 0.1
    """A sliver or an unmatched cut reading is dropped where at least this share of it is covered by objects that its
    own tile has no reading of."""

    edge_px: int = 1
    """A reading that comes this near an edge between tiles is cut by it."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "edge_px" and not 0 < value <= 1:
                raise OptionsError(f"{field.name} is {value}: give a share above 0, at most 1")
        if self.edge_px < 0:
            raise OptionsError(f"edge_px is {self.edge_px}: give a distance of 0 px or more")
