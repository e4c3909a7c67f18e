"""Slivers and cut readings without a counterpart: they stay only where no object covers them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.geo.merge.cells import Cells
from sam_backend.geo.merge.fragment import MergedObject
from sam_backend.geo.merge.groups import Group, Groups
from sam_backend.geo.merge.matching import Key
from sam_backend.geo.merge.placed import rect_of, window
from sam_backend.geo.merge.reading import Reading
from sam_backend.geo.merge.resolve import resolve
from sam_backend.geo.tiles import PixelRect, PlacedMask


@dataclass(slots=True, eq=False)
class _Watched:
    """A reading that may turn out to be a leftover."""

    reading: Reading
    uncovered_bits: NDArray[np.uint8]
    """Its pixels that no object covers so far: ``reading.bits`` themselves until one does, then a copy with fewer."""

    is_leftover: bool = False
    """Whether it has turned out to be one."""

    waits_for: Key | None = None
    """A reading that may become part of an object which covers this."""

    @property
    def rank(self) -> tuple[int, Key]:
        """Larger leftovers are decided first, as one that stays covers the smaller ones."""
        return -self.reading.area_px, self.reading.key

    @property
    def n_bytes(self) -> int:
        """What it holds, besides the reading while that is in a group."""
        is_copy = self.uncovered_bits is not self.reading.bits
        return (self.reading.bits.nbytes if self.is_leftover else 0) + (self.uncovered_bits.nbytes if is_copy else 0)

    def cover(self, placed: PlacedMask) -> None:
        """Note what an object covers of it."""
        if self.uncovered_bits is self.reading.bits:
            self.uncovered_bits = self.reading.bits.copy()
        own = self.reading.rect
        shared = own.intersection(rect_of(placed))
        is_covered = np.zeros((shared.height_px, own.width_px), np.bool_)
        is_covered[:, shared.left_px - own.left_px : shared.right_px - own.left_px] = window(placed, shared)
        self.uncovered_bits[shared.top_px - own.top_px : shared.bottom_px - own.top_px] &= ~np.packbits(
            is_covered, axis=1
        )

    def covered_share(self) -> float:
        """Of its area."""
        return 1 - int(np.count_nonzero(np.unpackbits(self.uncovered_bits))) / self.reading.area_px


class Leftovers:
    """Watches cut readings from the moment they come, so that objects needn't be kept to be compared with them.

    Only objects of which the leftover's own tile has no reading count as covering it: a tile that shows both shows two
    things, such as a house cut by the edge and the parcel around it.
    """

    def __init__(self, cells: Cells, max_covered_share: float) -> None:
        self._cells = cells
        self._max_covered_share = max_covered_share
        self._watched_of: dict[int, dict[Key, _Watched]] = {}

    @property
    def n_bytes(self) -> int:
        """What it holds of masks, besides those of the readings whose group may still grow."""
        return sum(one.n_bytes for of_tile in self._watched_of.values() for one in of_tile.values())

    def watch(self, tile_index: int, readings: list[Reading]) -> None:
        """Take in those of a tile's readings that are cut.

        A tile without any isn't noted: every tile's turn looks through all that are, and most of a sparse raster's
        are empty.
        """
        cut = {reading.key: _Watched(reading, reading.bits) for reading in readings if reading.cuts}
        if cut:
            self._watched_of[tile_index] = cut

    def settle(self, group: Group) -> MergedObject | None:
        """The object of a complete group; or None where it is a leftover, on which `decide` will have a word."""
        member = group.members[0]
        if len(group.members) == 1 and member.cuts:
            self._watched_of[member.tile_index][member.key].is_leftover = True
            return None
        self._forget(group.members)
        return self._accept(group)

    def decide(self, open_groups: Groups) -> list[MergedObject]:
        """The leftovers that stay, among those that no open group and no larger leftover could still cover."""
        stay: list[MergedObject] = []
        for leftover in sorted(self._undecided(), key=lambda watched: watched.rank):
            if self._waits(leftover, open_groups):
                continue
            self._forget([leftover.reading])
            if leftover.covered_share() < self._max_covered_share:
                stay.append(self._accept(Group([leftover.reading])))
        return stay

    def _undecided(self) -> list[_Watched]:
        watched = (watched for of_tile in self._watched_of.values() for watched in of_tile.values())
        return [one for one in watched if one.is_leftover]

    def _accept(self, group: Group) -> MergedObject:
        merged = resolve(group, self._cells)
        rect = rect_of(merged.placed)
        for index in self._cells.over(rect):
            if index not in group.tile_indices:
                for watched in self._watched_of.get(index, {}).values():
                    if not watched.reading.rect.intersection(rect).is_empty:
                        watched.cover(merged.placed)
        return merged

    def _waits(self, leftover: _Watched, open_groups: Groups) -> bool:
        if leftover.waits_for is None or not self._may_cover(leftover.waits_for, leftover, open_groups):
            leftover.waits_for = self._find_cover(leftover, open_groups)
        return leftover.waits_for is not None

    def _find_cover(self, leftover: _Watched, open_groups: Groups) -> Key | None:
        """A reading that may yet become, or be part of, an object which covers the leftover."""
        rect, own_tile = leftover.reading.rect, leftover.reading.tile_index
        for index in self._cells.over(rect):
            if index == own_tile:
                continue
            watched = [one.reading for one in self._watched_of.get(index, {}).values()]
            for reading in [*open_groups.readings(index), *watched]:
                if _overlap(reading.rect, rect) and self._may_cover(reading.key, leftover, open_groups):
                    return reading.key
        return None

    def _may_cover(self, key: Key, leftover: _Watched, open_groups: Groups) -> bool:
        if key in open_groups:
            return True
        other = self._watched_of.get(key[0], {}).get(key)
        return other is not None and other.is_leftover and other.rank < leftover.rank

    def _forget(self, readings: list[Reading]) -> None:
        for reading in readings:
            of_tile = self._watched_of.get(reading.tile_index, {})
            of_tile.pop(reading.key, None)
            if not of_tile:
                self._watched_of.pop(reading.tile_index, None)


def _overlap(one: PixelRect, other: PixelRect) -> bool:
    return not one.intersection(other).is_empty
