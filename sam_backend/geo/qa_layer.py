"""The layers that let a user judge a run: what became of each tile, and which cuts no neighbour could mend."""

from __future__ import annotations

from enum import Enum

import shapely
from affine import Affine

from sam_backend.geo.frame import outlines_to_map
from sam_backend.geo.layers import Feature, FieldKind, Layer
from sam_backend.geo.tiles import Tile


class TileStatus(Enum):
    """What became of a tile."""

    DONE = "done"
    EMPTY = "empty"
    """Seen, and nothing found."""

    FAILED = "failed"
    SKIPPED = "skipped"
    """Without data, or outside the area asked for."""


TILES = Layer(
    name="tiles",
    geometry_type="MultiPolygon",
    fields={
        "tile": FieldKind.INTEGER,
        "column": FieldKind.INTEGER,
        "row": FieldKind.INTEGER,
        "status": FieldKind.TEXT,
        "seconds": FieldKind.REAL,
        "objects": FieldKind.INTEGER,
        "message": FieldKind.TEXT,
    },
)

UNRESOLVED_CUTS = Layer(
    name="unresolved_cuts",
    geometry_type="MultiLineString",
    fields={"object_id": FieldKind.INTEGER, "length_px": FieldKind.REAL},
)


def tile_feature(
    tile: Tile,
    transform: Affine,
    status: TileStatus,
    seconds: float | None = None,
    objects: int | None = None,
    message: str | None = None,
) -> Feature:
    """A tile as a row of `TILES`.

    Args:
        tile: of the run's grid.
        transform: from run px to map coordinates.
        status: what became of it.
        seconds: how long it took.
        objects: how many were found in it, before merging.
        message: why it failed or was skipped.
    """
    rect = tile.rect
    outline = shapely.box(rect.left_px, rect.top_px, rect.right_px, rect.bottom_px)
    properties = {
        "tile": tile.index,
        "column": tile.column,
        "row": tile.row,
        "status": status.value,
        "seconds": seconds,
        "objects": objects,
        "message": message,
    }
    return Feature(outlines_to_map([outline], transform)[0], properties)


def cut_feature(object_id: int, cut: shapely.MultiLineString, transform: Affine) -> Feature:
    """A cut as a row of `UNRESOLVED_CUTS`.

    Args:
        object_id: of the object that ends there.
        cut: where it ends, in run px; see `SeamLines.on_lines`.
        transform: from run px to map coordinates.
    """
    return Feature(outlines_to_map([cut], transform)[0], {"object_id": object_id, "length_px": cut.length})
