"""The collar of a raster: black or white that reaches in from its border, without a word of it in the file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sam_backend.geo.source import Source, rows_and_columns
from sam_backend.geo.tiles import PixelRect

CELL_PX = 512


def label_pieces(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number the pieces of a mask (h, w) from 1, pixels being joined side to side; 0: no piece."""
    labels = np.empty(mask.shape, np.int32)
    ndimage.label(mask, output=labels)
    return labels


@dataclass(frozen=True, slots=True)
class CellGrid:
    """A raster cut into square cells without overlap, named by row and column."""

    width_px: int
    height_px: int
    cell_px: int = CELL_PX

    @property
    def n_columns(self) -> int:
        """Cells side by side."""
        return -(-self.width_px // self.cell_px)

    @property
    def n_rows(self) -> int:
        """Cells one above the other."""
        return -(-self.height_px // self.cell_px)

    def rect(self, row: int, column: int) -> PixelRect:
        """What a cell covers, in source px."""
        left, top = column * self.cell_px, row * self.cell_px
        return PixelRect(left, top, min(self.width_px, left + self.cell_px), min(self.height_px, top + self.cell_px))

    def cells_in(self, rect: PixelRect) -> Iterator[tuple[int, int]]:
        """The cells that a rectangle meets, row by row."""
        for row in range(rect.top_px // self.cell_px, -(-rect.bottom_px // self.cell_px)):
            for column in range(rect.left_px // self.cell_px, -(-rect.right_px // self.cell_px)):
                yield row, column


@dataclass(frozen=True)
class Collar:
    """Every pixel of one value that is joined to the raster's border through pixels of that value, side to side.

    Exact at full resolution, yet small: cells that are all collar are listed in runs; in a cell that is collar in part
    one pixel of each piece is kept, from which the piece is found again when the cell is read. So all windows agree,
    and a black roof within a tile stays a roof.
    """

    value: int
    """What all bands hold there."""

    grid: CellGrid

    whole: tuple[tuple[int, int, int], ...]
    """Row, first column and column after the last of runs of cells that are all collar."""

    seeds_xy: tuple[tuple[int, int], ...]
    """One pixel of each piece, in source px, of every other cell."""

    _whole_cells: frozenset[tuple[int, int]] = field(init=False, repr=False, compare=False)
    _seeds_of: dict[tuple[int, int], list[tuple[int, int]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort by cell."""
        cells = frozenset((row, column) for row, first, end in self.whole for column in range(first, end))
        seeds_of = defaultdict(list)
        for x, y in self.seeds_xy:
            seeds_of[y // self.grid.cell_px, x // self.grid.cell_px].append((x, y))
        object.__setattr__(self, "_whole_cells", cells)
        object.__setattr__(self, "_seeds_of", dict(seeds_of))

    def covers(self, rect: PixelRect, source: Source) -> NDArray[np.bool_]:
        """(h, w): True on the collar. Reads the cells that are collar in part, and no other pixel."""
        covered = np.zeros((rect.height_px, rect.width_px), np.bool_)
        for cell in self.grid.cells_in(rect):
            cell_rect = self.grid.rect(*cell)
            seen = cell_rect.intersection(rect)
            if cell in self._whole_cells:
                covered[rows_and_columns(seen, rect)] = True
            elif cell in self._seeds_of:
                pieces = self._pieces(cell_rect, self._seeds_of[cell], source)
                covered[rows_and_columns(seen, rect)] = pieces[rows_and_columns(seen, cell_rect)]
        return covered

    def covers_all(self, rect: PixelRect) -> bool:
        """Whether the rectangle lies in cells that are all collar."""
        return all(cell in self._whole_cells for cell in self.grid.cells_in(rect))

    def _pieces(self, cell: PixelRect, seeds_xy: list[tuple[int, int]], source: Source) -> NDArray[np.bool_]:
        labels = label_pieces(source.is_all(cell, self.value))
        x, y = np.array(seeds_xy).T
        wanted = labels[y - cell.top_px, x - cell.left_px]
        pieces: NDArray[np.bool_] = np.isin(labels, wanted[wanted > 0])
        return pieces

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers."""
        return {
            "value": self.value,
            "cells": [self.grid.width_px, self.grid.height_px, self.grid.cell_px],
            "whole": [list(run) for run in self.whole],
            "seeds_xy": [list(seed) for seed in self.seeds_xy],
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Collar:
        """What `to_json` gave."""
        return cls(
            value=record["value"],
            grid=CellGrid(*record["cells"]),
            whole=tuple((row, first, end) for row, first, end in record["whole"]),
            seeds_xy=tuple((x, y) for x, y in record["seeds_xy"]),
        )
