"""Finding the collar: a flood from the raster's border, cell by cell, that reads only what it reaches."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sam_backend.geo.collar import CELL_PX, CellGrid, Collar, label_pieces
from sam_backend.geo.source import Source

MIN_RUN_PX = 8
"""So many pixels in a row of the border must have the value: single ones are part of the picture."""

_Cell = tuple[int, int]
_TOP, _BOTTOM, _LEFT, _RIGHT = range(4)
_ACROSS = {_TOP: (-1, 0, _BOTTOM), _BOTTOM: (1, 0, _TOP), _LEFT: (0, -1, _RIGHT), _RIGHT: (0, 1, _LEFT)}


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """The numbers of a cell's pieces along its four sides; 0: another value."""

    sides: tuple[NDArray[np.int32], ...]
    is_whole: bool

    @classmethod
    def of(cls, labels: NDArray[np.int32]) -> _Edges:
        sides = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
        return cls(tuple(side.copy() for side in sides), is_whole=bool((labels == 1).all()))


def find_collar(source: Source, value: int, cell_px: int = CELL_PX, min_run_px: int = MIN_RUN_PX) -> Collar | None:
    """All that is joined to the raster's border through pixels whose bands all hold ``value``.

    Read are the cells along the border and those that the flood enters; blocks that were never written count as zeros
    and aren't read.

    Args:
        source: of the raster.
        value: of all its bands.
        cell_px: side of the cells.
        min_run_px: how many pixels in a row of a cell's side the flood needs to enter from outside; a shorter side
            must have the value throughout.

    Returns:
        None where the flood enters nowhere.
    """
    flood = _Flood(source, value, CellGrid(source.raster.width, source.raster.height, cell_px))
    flood.enter_from_outside(min_run_px)
    flood.spread()
    return flood.collar() if flood.seeds else None


class _Flood:
    def __init__(self, source: Source, value: int, grid: CellGrid) -> None:
        self.source, self.value, self.grid = source, value, grid
        self.seeds: dict[tuple[_Cell, int], tuple[int, int]] = {}
        """A pixel (x, y) of each piece reached, by its cell and its number there."""
        self._edges: dict[_Cell, _Edges] = {}
        self._alike: dict[tuple[int, int, bool], _Edges] = {}  # one object for all cells of one value
        self._to_do: list[tuple[_Cell, int]] = []  # a heap: by rows, so that strips are decoded once

    def enter_from_outside(self, min_run_px: int) -> None:
        last_row, last_column = self.grid.n_rows - 1, self.grid.n_columns - 1
        columns, rows = range(last_column + 1), range(last_row + 1)
        outer_sides = [((row, column), side) for row, side in ((0, _TOP), (last_row, _BOTTOM)) for column in columns]
        outer_sides += [((row, column), side) for column, side in ((0, _LEFT), (last_column, _RIGHT)) for row in rows]
        for cell, side in outer_sides:
            labels = self._edges_of(cell).sides[side]
            run = np.ones(min(min_run_px, len(labels)), np.bool_)
            self._enter(cell, side, ndimage.binary_opening(labels > 0, run))

    def spread(self) -> None:
        while self._to_do:
            (row, column), label = heapq.heappop(self._to_do)
            edges = self._edges_of((row, column))
            for side, (down, right, opposite) in _ACROSS.items():
                beside = row + down, column + right
                if self._is_inside(beside) and not (edges.is_whole and self._is_done(beside)):
                    is_open = edges.sides[side] == label
                    if is_open.any():
                        self._enter(beside, opposite, is_open)

    def collar(self) -> Collar:
        whole: dict[int, list[int]] = defaultdict(list)
        seeds_xy = []
        for (cell, _), seed_xy in self.seeds.items():
            if self._edges[cell].is_whole:
                whole[cell[0]].append(cell[1])
            else:
                seeds_xy.append(seed_xy)
        runs = [(row, first, end) for row in sorted(whole) for first, end in _runs(sorted(whole[row]))]
        return Collar(self.value, self.grid, tuple(runs), tuple(sorted(seeds_xy)))

    def _enter(self, cell: _Cell, side: int, is_open: NDArray[np.bool_]) -> None:
        """Reach the pieces of a cell that lie along a side, where the side is open."""
        labels = np.where(is_open, self._edges_of(cell).sides[side], 0)
        if labels[0] == labels[-1] and (labels == labels[0]).all():  # mostly; `unique` is slow
            found, at = labels[:1], [0]
        else:
            found, at = np.unique(labels, return_index=True)
        for label, position in zip(found.tolist(), at, strict=True):
            if label and (cell, label) not in self.seeds:
                self.seeds[cell, label] = self._pixel_xy(cell, side, int(position))
                heapq.heappush(self._to_do, (cell, label))

    def _pixel_xy(self, cell: _Cell, side: int, position: int) -> tuple[int, int]:
        rect = self.grid.rect(*cell)
        x = {_LEFT: rect.left_px, _RIGHT: rect.right_px - 1}.get(side, rect.left_px + position)
        y = {_TOP: rect.top_px, _BOTTOM: rect.bottom_px - 1}.get(side, rect.top_px + position)
        return x, y

    def _is_inside(self, cell: _Cell) -> bool:
        return 0 <= cell[0] < self.grid.n_rows and 0 <= cell[1] < self.grid.n_columns

    def _is_done(self, cell: _Cell) -> bool:
        return (cell, 1) in self.seeds and self._edges[cell].is_whole

    def _edges_of(self, cell: _Cell) -> _Edges:
        if cell not in self._edges:
            self._edges[cell] = self._look_at(cell)
        return self._edges[cell]

    def _look_at(self, cell: _Cell) -> _Edges:
        rect = self.grid.rect(*cell)
        if self.source.blocks.is_missing(rect):
            return self._of_one_value(rect.height_px, rect.width_px, self.value == 0)
        is_value = self.source.is_all(rect, self.value)
        if is_value.all() or not is_value.any():
            return self._of_one_value(rect.height_px, rect.width_px, bool(is_value[0, 0]))
        return _Edges.of(label_pieces(is_value))

    def _of_one_value(self, height_px: int, width_px: int, is_value: bool) -> _Edges:
        key = height_px, width_px, is_value
        if key not in self._alike:
            self._alike[key] = _Edges.of(np.full((height_px, width_px), is_value, np.int32))
        return self._alike[key]


def _runs(columns: list[int]) -> list[tuple[int, int]]:
    """First and end of each run of consecutive numbers."""
    grouped = itertools.groupby(enumerate(columns), key=lambda pair: pair[1] - pair[0])
    runs = [[column for _, column in group] for _, group in grouped]
    return [(run[0], run[-1] + 1) for run in runs]
