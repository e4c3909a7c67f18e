"""A fragment as merging holds it: one bit a pixel, and what has to be asked of it again and again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import RasterError
from sam_backend.geo.merge.cells import Cells, CutEdges
from sam_backend.geo.merge.fragment import Fragment
from sam_backend.geo.merge.placed import cropped, place_key, rect_of
from sam_backend.geo.merge.rules import MergeRules
from sam_backend.geo.tiles import PixelRect, PlacedMask, Tile


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One tile's view of an object."""

    key: tuple[int, int]
    """Tile index and place among the tile's readings: the order in which ties are broken."""

    rect: PixelRect
    """Around its pixels, tight."""

    bits: NDArray[np.uint8]
    """(h, ceil(w / 8)): the mask, eight pixels a byte."""

    area_px: int
    predicted_iou: float
    stability: float
    cuts: CutEdges
    is_sliver: bool
    off_centre_px: float
    """From its centroid to the middle of its tile."""

    @property
    def tile_index(self) -> int:
        """The tile that saw it."""
        return self.key[0]

    def window(self, rect: PixelRect) -> NDArray[np.bool_]:
        """Its pixels in a rectangle inside its own."""
        rows = slice(rect.top_px - self.rect.top_px, rect.bottom_px - self.rect.top_px)
        start, end = rect.left_px - self.rect.left_px, rect.right_px - self.rect.left_px
        first_byte = start // 8
        pixels = np.unpackbits(self.bits[rows, first_byte : -(-end // 8)], axis=1).view(np.bool_)
        return pixels[:, start - 8 * first_byte : end - 8 * first_byte]

    def placed(self) -> PlacedMask:
        """The mask, unpacked."""
        return PlacedMask(self.rect.left_px, self.rect.top_px, self.window(self.rect))


def read_tile(fragments: list[Fragment], tile: Tile, cells: Cells, rules: MergeRules) -> list[Reading]:
    """The readings of a tile, in an order that doesn't depend on that of the fragments; empty masks are left out.

    Raises:
        RasterError: a fragment is another tile's, or lies outside its tile.
    """
    tight = [(fragment, cropped(fragment.placed)) for fragment in fragments]
    seen = [(fragment, placed) for fragment, placed in tight if placed.mask.size]
    for fragment, placed in seen:
        _check(fragment, rect_of(placed), tile)
    seen.sort(key=lambda pair: (place_key(pair[1]), -pair[0].predicted_iou, -pair[0].stability))
    return [_reading(position, *pair, tile, cells, rules) for position, pair in enumerate(seen)]


def _check(fragment: Fragment, rect: PixelRect, tile: Tile) -> None:
    if fragment.tile_index != tile.index:
        raise RasterError(f"a fragment of tile {fragment.tile_index} came with tile {tile.index}: add it with its own")
    if rect.intersection(tile.rect) != rect:
        raise RasterError(
            f"a fragment at {rect} lies outside its tile {tile.index} at {tile.rect}: "
            "give masks in pixels of the whole raster, clipped to their tile"
        )


def _reading(
    position: int, fragment: Fragment, placed: PlacedMask, tile: Tile, cells: Cells, rules: MergeRules
) -> Reading:
    rect = rect_of(placed)
    cuts = cells.cuts(rect, tile, rules.edge_px)
    return Reading(
        key=(tile.index, position),
        rect=rect,
        bits=np.packbits(placed.mask, axis=1),
        area_px=int(np.count_nonzero(placed.mask)),
        predicted_iou=fragment.predicted_iou,
        stability=fragment.stability,
        cuts=cuts,
        is_sliver=cells.is_sliver(rect, tile, cuts, rules.sliver_share),
        off_centre_px=_off_centre_px(placed, tile.rect),
    )


def _off_centre_px(placed: PlacedMask, tile: PixelRect) -> float:
    per_column, per_row = placed.mask.sum(axis=0), placed.mask.sum(axis=1)
    x = placed.left_px + 0.5 + np.average(np.arange(len(per_column)), weights=per_column)
    y = placed.top_px + 0.5 + np.average(np.arange(len(per_row)), weights=per_row)
    return math.hypot(x - (tile.left_px + tile.right_px) / 2, y - (tile.top_px + tile.bottom_px) / 2)
