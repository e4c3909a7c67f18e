"""Merging while tiles come in, in any order, holding only what may still change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sam_backend.errors import RasterError
from sam_backend.geo.merge.cells import Cells
from sam_backend.geo.merge.fragment import Fragment, MergedObject
from sam_backend.geo.merge.groups import Groups, without_contradictions
from sam_backend.geo.merge.leftovers import Leftovers
from sam_backend.geo.merge.matching import Match, match_tiles
from sam_backend.geo.merge.placed import place_key
from sam_backend.geo.merge.reading import Reading, read_tile
from sam_backend.geo.merge.rules import MergeRules
from sam_backend.geo.tiles import Tile, TileGrid


class Merger:
    """Joins what tiles see of the same object.

    Readings of two tiles are compared only inside the rectangle that both saw, where they must agree, and matched one
    to one. The outcome depends on the set of fragments alone, neither on the order of tiles nor on that within a tile.

    An object is given out once every tile that overlaps one of its tiles has been added (a few rows later when tiles
    come row by row) and is then forgotten. A tile without masks must be added too, or it keeps its neighbours waiting
    until `finish`.
    """

    def __init__(self, grid: TileGrid, rules: MergeRules | None = None) -> None:
        self._rules = MergeRules() if rules is None else rules
        self._grid = grid
        self._cells = Cells(grid)
        self._groups = Groups()
        self._leftovers = Leftovers(self._cells, self._rules.leftover_coverage)
        self._added: set[int] = set()
        self._surrounded: set[int] = set()

    @property
    def n_held_bytes(self) -> int:
        """What the masks that may still change take in memory."""
        return self._groups.n_bytes + self._leftovers.n_bytes

    def add(self, tile_index: int, fragments: Iterable[Fragment]) -> list[MergedObject]:
        """Take in all masks of a tile, none for an empty one, and give out the objects that became final with it.

        Raises:
            RasterError: there is no such tile, it was added before, or a fragment is another tile's or lies outside.
        """
        tile = self._grid.tile(tile_index)
        if tile_index in self._added:
            raise RasterError(f"tile {tile_index} was added before: add every tile once, with all its fragments")
        readings = read_tile(list(fragments), tile, self._cells, self._rules)
        touching = self._cells.touching(tile)
        self._groups.add(tile_index, readings, self._matches(tile, readings, touching))
        self._leftovers.watch(tile_index, readings)
        self._added.add(tile_index)
        return self._give_out(self._newly_surrounded([tile, *touching]))

    def finish(self) -> list[MergedObject]:
        """Give out all that is left; tiles that weren't added count as empty, and no more can be added."""
        self._added = self._surrounded = set(range(len(self._grid)))
        return self._give_out(self._groups.tile_indices())

    def _matches(self, tile: Tile, readings: list[Reading], touching: list[Tile]) -> list[Match]:
        matches: list[Match] = []
        for other in touching:
            matches += match_tiles((tile, readings), (other, self._groups.readings(other.index)), self._rules)
        return matches

    def _newly_surrounded(self, tiles: list[Tile]) -> list[int]:
        """Those of the tiles that are added, and all that touch them too."""
        candidates = [tile for tile in tiles if tile.index in self._added]
        surrounded = [
            tile.index for tile in candidates if all(other.index in self._added for other in self._cells.touching(tile))
        ]
        self._surrounded.update(surrounded)
        return surrounded

    def _give_out(self, surrounded: list[int]) -> list[MergedObject]:
        final = []
        for group in self._groups.of_tiles(surrounded):
            if group.tile_indices <= self._surrounded:
                self._groups.remove(group)
                final += [self._leftovers.settle(part) for part in without_contradictions(group)]
        return [merged for merged in final if merged is not None] + self._leftovers.decide(self._groups)


def merge_fragments(
    grid: TileGrid, fragments: Iterable[Fragment], rules: MergeRules | None = None
) -> list[MergedObject]:
    """Merge all fragments of a raster at once; the objects come from top to bottom.

    Raises:
        RasterError: a fragment's tile doesn't exist, or it lies outside its tile.
    """
    of_tile: defaultdict[int, list[Fragment]] = defaultdict(list)
    for fragment in fragments:
        of_tile[fragment.tile_index].append(fragment)
    merger = Merger(grid, rules)
    merged = [final for index in sorted(of_tile) for final in merger.add(index, of_tile[index])]
    return sorted([*merged, *merger.finish()], key=lambda final: (place_key(final.placed), final.tile_indices))
