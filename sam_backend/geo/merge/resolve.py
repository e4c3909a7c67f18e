"""What a complete group of readings is: one object's mask and its attributes."""

from __future__ import annotations

from statistics import fmean

from sam_backend.geo.merge.cells import Cells
from sam_backend.geo.merge.fragment import MergedObject
from sam_backend.geo.merge.groups import Group
from sam_backend.geo.merge.placed import rect_of
from sam_backend.geo.merge.reading import Reading
from sam_backend.geo.merge.union import join_pieces, without
from sam_backend.geo.tiles import PlacedMask


def resolve(group: Group, cells: Cells) -> MergedObject:
    """Take the most central uncut reading as it is; where all are cut, put them together.

    Readings are never averaged, so no outline gets blurred.
    """
    members = sorted(group.members, key=lambda member: member.key)
    uncut = [member for member in members if not member.cuts]
    placed = min(uncut, key=lambda member: member.off_centre_px).placed() if uncut else _put_together(members, cells)
    return MergedObject(
        placed=placed,
        predicted_iou=max(member.predicted_iou for member in members),
        stability=max(member.stability for member in members),
        tile_indices=tuple(sorted(group.tile_indices)),
        seam_iou=fmean(match.iou for match in sorted(group.matches)) if group.matches else None,
        is_cut_at_raster_edge=_reaches_raster_edge(placed, cells),
        is_unresolved_cut=not uncut,
    )


def _put_together(members: list[Reading], cells: Cells) -> PlacedMask:
    """Each piece up to the middle of the strips that its tile shares with the other pieces' tiles."""
    if len(members) == 1:
        return members[0].placed()
    cell_of = {member.tile_index: cells.cell(cells.grid.tile(member.tile_index)) for member in members}
    pieces = []
    for member in members:
        others = [cell for index, cell in cell_of.items() if index != member.tile_index]
        pieces.append(without(member.placed(), others))
    if not any(piece.mask.any() for piece in pieces):  # every piece lies wholly in another's cell
        return max(members, key=lambda member: member.area_px).placed()
    return join_pieces(pieces)


def _reaches_raster_edge(placed: PlacedMask, cells: Cells) -> bool:
    rect, grid = rect_of(placed), cells.grid
    reaches_low = min(rect.left_px, rect.top_px) == 0
    return reaches_low or rect.right_px == grid.raster_width_px or rect.bottom_px == grid.raster_height_px
