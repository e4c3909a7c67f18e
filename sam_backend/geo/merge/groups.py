"""Readings joined by matches: union-find that remembers its members, and lets complete groups go."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, product

from sam_backend.geo.merge.matching import Key, Match
from sam_backend.geo.merge.reading import Reading


@dataclass(slots=True, eq=False)
class Group:
    """Readings that are one object, as far as is known."""

    members: list[Reading]
    matches: list[Match] = field(default_factory=list)

    @property
    def tile_indices(self) -> set[int]:
        """Whose readings it holds."""
        return {member.tile_index for member in self.members}


class Groups:
    """All readings whose group may still grow."""

    def __init__(self) -> None:
        self._group_of: dict[Key, Group] = {}
        self._readings_of: dict[int, dict[Key, Reading]] = {}

    def __contains__(self, key: Key) -> bool:
        """Whether a reading is here."""
        return key in self._group_of

    @property
    def n_bytes(self) -> int:
        """What the masks take."""
        return sum(reading.bits.nbytes for of_tile in self._readings_of.values() for reading in of_tile.values())

    def add(self, tile_index: int, readings: list[Reading], matches: list[Match]) -> None:
        """Take in a tile's readings and what they match; both ends of a match are known."""
        self._readings_of[tile_index] = {reading.key: reading for reading in readings}
        self._group_of |= {reading.key: Group([reading]) for reading in readings}
        for match in matches:
            self._join(match)

    def readings(self, tile_index: int) -> list[Reading]:
        """Of a tile, in order; none of a tile that isn't here."""
        return list(self._readings_of.get(tile_index, {}).values())

    def tile_indices(self) -> list[int]:
        """The tiles that have readings here."""
        return list(self._readings_of)

    def of_tiles(self, tile_indices: list[int]) -> list[Group]:
        """The groups that have a reading in one of the tiles, each once."""
        groups = (self._group_of[key] for index in tile_indices for key in self._readings_of.get(index, {}))
        return list({id(group): group for group in groups}.values())

    def remove(self, group: Group) -> None:
        """Let it and its readings go."""
        for member in group.members:
            del self._group_of[member.key]
            del self._readings_of[member.tile_index][member.key]
            if not self._readings_of[member.tile_index]:
                del self._readings_of[member.tile_index]

    def _join(self, match: Match) -> None:
        kept, joined = self._group_of[match.first], self._group_of[match.second]
        if kept is not joined:
            if len(kept.members) < len(joined.members):
                kept, joined = joined, kept
            kept.members += joined.members
            kept.matches += joined.matches
            self._group_of |= {member.key: kept for member in joined.members}
        kept.matches.append(match)


def without_contradictions(group: Group) -> list[Group]:
    """Split a group in which a chain of matches has joined two objects; else the group itself.

    Two readings of one tile are two objects, and so are two uncut readings that share no pixel. So the group is joined
    again, best match first, leaving out a match that would bring such two together.
    """
    members = sorted(group.members, key=lambda member: member.key)
    if all(_may_be_one(one, other) for one, other in combinations(members, 2)):
        return [group]
    group_of = {member.key: Group([member]) for member in members}
    for match in sorted(group.matches):
        kept, joined = group_of[match.first], group_of[match.second]
        if kept is joined:
            kept.matches.append(match)
        elif all(_may_be_one(one, other) for one, other in product(kept.members, joined.members)):
            kept.members += joined.members
            kept.matches += [*joined.matches, match]
            group_of |= {member.key: kept for member in joined.members}
    return list({id(part): part for part in group_of.values()}.values())


def _may_be_one(one: Reading, other: Reading) -> bool:
    if one.tile_index == other.tile_index:
        return False
    if one.cuts or other.cuts:
        return True
    shared = one.rect.intersection(other.rect)
    return not shared.is_empty and bool((one.window(shared) & other.window(shared)).any())
