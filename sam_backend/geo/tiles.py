"""The grid of overlapping tiles that a raster is cut into. All coordinates are run px, see `TileGrid`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import RasterError

TILE_PX = 1024
OVERLAP_PX = 256


@dataclass(frozen=True, slots=True)
class PixelRect:
    """A rectangle of whole pixels, half-open."""

    left_px: int
    top_px: int
    right_px: int
    bottom_px: int

    @property
    def width_px(self) -> int:
        """Columns."""
        return self.right_px - self.left_px

    @property
    def height_px(self) -> int:
        """Rows."""
        return self.bottom_px - self.top_px

    @property
    def is_empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.width_px <= 0 or self.height_px <= 0

    def intersection(self, other: PixelRect) -> PixelRect:
        """What both cover; may be empty."""
        return PixelRect(
            max(self.left_px, other.left_px),
            max(self.top_px, other.top_px),
            min(self.right_px, other.right_px),
            min(self.bottom_px, other.bottom_px),
        )

    def moved(self, right_px: int, down_px: int) -> PixelRect:
        """The same rectangle elsewhere."""
        return PixelRect(
            self.left_px + right_px, self.top_px + down_px, self.right_px + right_px, self.bottom_px + down_px
        )


@dataclass(frozen=True, slots=True)
class Tile:
    """One place of the grid."""

    index: int
    """Row-major, from 0."""

    column: int
    row: int

    rect: PixelRect
    """What it covers of the raster."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedMask:
    """A mask and where its top left pixel lies in the raster."""

    left_px: int
    top_px: int

    mask: NDArray[np.bool_]
    """(h, w), cropped to the object. True = object."""


@dataclass(frozen=True, slots=True)
class TileGrid:
    """Tiles in rows and columns, the last of each moved back to the raster's edge, never stretched or padded.

    Its frame is *run px*: the raster's own pixels, corner origin, x right and y down, times the run's ground-size
    factor (1 unless objects are to be seen larger or smaller). A raster narrower than a tile has one narrower tile.
    """

    raster_width_px: int
    raster_height_px: int
    tile_px: int = TILE_PX
    overlap_px: int = OVERLAP_PX

    def __post_init__(self) -> None:
        """Check that there is something to tile."""
        if min(self.raster_width_px, self.raster_height_px) < 1:
            raise RasterError(f"a raster of {self.raster_width_px} x {self.raster_height_px} px has nothing to tile")
        if not 0 <= self.overlap_px < self.tile_px:
            raise RasterError(
                f"tiles of {self.tile_px} px can't overlap by {self.overlap_px} px: "
                "give an overlap of at least 0 and less than the tile"
            )

    @property
    def n_columns(self) -> int:
        """Tiles side by side."""
        return self._count(self.raster_width_px)

    @property
    def n_rows(self) -> int:
        """Tiles one above the other."""
        return self._count(self.raster_height_px)

    def __len__(self) -> int:
        """Tiles in all."""
        return self.n_columns * self.n_rows

    def __iter__(self) -> Iterator[Tile]:
        """All tiles, row by row."""
        return (self.tile(index) for index in range(len(self)))

    def tile(self, index: int) -> Tile:
        """The tile of an index.

        Raises:
            RasterError: there is none.
        """
        if not 0 <= index < len(self):
            raise RasterError(f"there is no tile {index}: the grid has tiles 0 to {len(self) - 1}")
        row, column = divmod(index, self.n_columns)
        left, top = self._start(self.raster_width_px, column), self._start(self.raster_height_px, row)
        right, bottom = min(left + self.tile_px, self.raster_width_px), min(top + self.tile_px, self.raster_height_px)
        return Tile(index, column, row, PixelRect(left, top, right, bottom))

    def neighbours(self, tile: Tile) -> list[Tile]:
        """The up to 8 tiles that share a side or a corner with it, by index."""
        rows = range(max(0, tile.row - 1), min(self.n_rows, tile.row + 2))
        columns = range(max(0, tile.column - 1), min(self.n_columns, tile.column + 2))
        indices = (row * self.n_columns + column for row in rows for column in columns)
        return [self.tile(index) for index in indices if index != tile.index]

    def _count(self, raster_px: int) -> int:
        beyond_the_first_px = max(0, raster_px - self.tile_px)
        return 1 + math.ceil(beyond_the_first_px / (self.tile_px - self.overlap_px))

    def _start(self, raster_px: int, position: int) -> int:
        return max(0, min(position * (self.tile_px - self.overlap_px), raster_px - self.tile_px))
