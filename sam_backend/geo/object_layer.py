"""The layer of the objects found: what is known of each."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import shapely

from sam_backend.geo.layers import Feature, FieldKind, Layer
from sam_backend.geo.measures import GroundSize

OBJECTS = Layer(
    name="objects",
    geometry_type="MultiPolygon",
    fields={
        "object_id": FieldKind.INTEGER,
        "score": FieldKind.REAL,
        "stability": FieldKind.REAL,
        "area_m2": FieldKind.REAL,
        "perimeter_m": FieldKind.REAL,
        "tiles": FieldKind.INTEGER,
        "seam_iou": FieldKind.REAL,
        "cut_at_raster_edge": FieldKind.FLAG,
    },
)


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What the network and the merging say of an object; None where they don't."""

    object_id: int
    score: float | None = None
    """The IoU that the network predicts, 0 to 1."""

    stability: float | None = None
    """IoU of the masks at a low and at a high threshold, 0 to 1."""

    tiles: int | None = None
    """How many it was put together from."""

    seam_iou: float | None = None
    """Mean agreement of neighbouring tiles in what both saw of it; None if one tile saw all."""

    cut_at_raster_edge: bool | None = None


def object_feature(outline: shapely.Geometry, facts: ObjectFacts, size: GroundSize | None) -> Feature:
    """An object as a row of `OBJECTS`.

    Args:
        outline: in map coordinates.
        facts: of the object.
        size: of ``outline``, by a `GroundRuler`; None if there is none for the CRS.
    """
    measured = {"area_m2": None, "perimeter_m": None} if size is None else asdict(size)
    return Feature(outline, asdict(facts) | measured)
