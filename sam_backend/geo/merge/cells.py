"""Where tiles of a grid overlap, where their edges cut objects, and which pixels each has to answer for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from sam_backend.geo.tiles import PixelRect, Tile, TileGrid


@dataclass(frozen=True, slots=True)
class CutEdges:
    """Which edges of a tile a reading reaches, among those that lie inside the raster."""

    left: bool
    top: bool
    right: bool
    bottom: bool

    def __bool__(self) -> bool:
        """Whether any."""
        return self.left or self.top or self.right or self.bottom


class Spans:
    """The columns, or the rows, of a grid, as intervals on one axis. Neither starts nor ends ever go back."""

    def __init__(self, starts_px: list[int], ends_px: list[int]) -> None:
        self._starts_px, self._ends_px = starts_px, ends_px

    def touching(self, position: int) -> range:
        """The positions that overlap one or meet it, itself among them."""
        first = bisect_left(self._ends_px, self._starts_px[position])
        return range(first, bisect_right(self._starts_px, self._ends_px[position]))

    def over(self, start_px: int, end_px: int) -> range:
        """The positions that overlap an interval."""
        return range(bisect_right(self._ends_px, start_px), bisect_left(self._starts_px, end_px))

    def cell_px(self, position: int) -> tuple[int, int]:
        """Where one starts and ends if every overlap with the next is halved."""
        start_px, end_px = self._starts_px[position], self._ends_px[position]
        if position > 0:
            start_px = (start_px + self._ends_px[position - 1]) // 2
        if position + 1 < len(self._starts_px):
            end_px = (self._starts_px[position + 1] + end_px) // 2
        return start_px, end_px

    def overlap_px(self, position: int) -> int:
        """What one shares with the one before it; 0 for the first, and beyond the last."""
        if not 0 < position < len(self._starts_px):
            return 0
        return self._ends_px[position - 1] - self._starts_px[position]


class Cells:
    """A grid of tiles and its cells.

    A tile's *cell* is what is left of it when every strip that two tiles share is halved between them; the cells
    cover the raster and don't overlap.
    """

    def __init__(self, grid: TileGrid) -> None:
        self.grid = grid
        columns = [grid.tile(column).rect for column in range(grid.n_columns)]
        rows = [grid.tile(row * grid.n_columns).rect for row in range(grid.n_rows)]
        self._columns = Spans([rect.left_px for rect in columns], [rect.right_px for rect in columns])
        self._rows = Spans([rect.top_px for rect in rows], [rect.bottom_px for rect in rows])

    def touching(self, tile: Tile) -> list[Tile]:
        """All other tiles that overlap it or share an edge or a corner with it, by index.

        These are its neighbours and, where the last tile of a row or column was moved back, or tiles overlap by more
        than half, tiles beyond them.
        """
        indices = self._indices(self._rows.touching(tile.row), self._columns.touching(tile.column))
        return [self.grid.tile(index) for index in indices if index != tile.index]

    def over(self, rect: PixelRect) -> list[int]:
        """The indices of the tiles that see some of a rectangle inside the raster."""
        rows = self._rows.over(rect.top_px, rect.bottom_px)
        return self._indices(rows, self._columns.over(rect.left_px, rect.right_px))

    def cell(self, tile: Tile) -> PixelRect:
        """The pixels that are this tile's rather than its neighbours'."""
        left_px, right_px = self._columns.cell_px(tile.column)
        top_px, bottom_px = self._rows.cell_px(tile.row)
        return PixelRect(left_px, top_px, right_px, bottom_px)

    def cuts(self, rect: PixelRect, tile: Tile, edge_px: int) -> CutEdges:
        """By which edges of its tile, inside the raster, something with this bounding rectangle is cut."""
        return CutEdges(
            left=tile.column > 0 and rect.left_px - tile.rect.left_px <= edge_px,
            top=tile.row > 0 and rect.top_px - tile.rect.top_px <= edge_px,
            right=tile.column + 1 < self.grid.n_columns and tile.rect.right_px - rect.right_px <= edge_px,
            bottom=tile.row + 1 < self.grid.n_rows and tile.rect.bottom_px - rect.bottom_px <= edge_px,
        )

    def is_sliver(self, rect: PixelRect, tile: Tile, cuts: CutEdges, share: float) -> bool:
        """Whether it lies wholly within a share of the overlap from an edge that cuts it."""
        reaches_px = (
            (cuts.left, rect.right_px - tile.rect.left_px, self._columns.overlap_px(tile.column)),
            (cuts.top, rect.bottom_px - tile.rect.top_px, self._rows.overlap_px(tile.row)),
            (cuts.right, tile.rect.right_px - rect.left_px, self._columns.overlap_px(tile.column + 1)),
            (cuts.bottom, tile.rect.bottom_px - rect.top_px, self._rows.overlap_px(tile.row + 1)),
        )
        return any(is_cut and reach_px <= share * overlap_px for is_cut, reach_px, overlap_px in reaches_px)

    def _indices(self, rows: range, columns: range) -> list[int]:
        return [row * self.grid.n_columns + column for row in rows for column in columns]
