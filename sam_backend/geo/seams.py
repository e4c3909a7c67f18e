"""Where outlines lie on the grid of tiles: a sign that an object was cut there. Run px."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from sam_backend.geo.tiles import TileGrid

ON_LINE_PX = 0.5


@dataclass(frozen=True, slots=True)
class SeamLength:
    """How much of some outlines lies on the grid; adds up over batches."""

    on_grid_px: float = 0.0
    total_px: float = 0.0

    @property
    def share(self) -> float:
        """From 0 to 1; 0 for no outlines."""
        return self.on_grid_px / self.total_px if self.total_px else 0.0

    def __add__(self, other: SeamLength) -> SeamLength:
        """Of both."""
        return SeamLength(self.on_grid_px + other.on_grid_px, self.total_px + other.total_px)


class SeamLines:
    """The lines along which tiles may cut: their edges inside the raster, and the middles of their overlaps."""

    def __init__(self, grid: TileGrid) -> None:
        columns = [grid.tile(column).rect for column in range(grid.n_columns)]
        rows = [grid.tile(row * grid.n_columns).rect for row in range(grid.n_rows)]
        self._x_px = _lines([(rect.left_px, rect.right_px) for rect in columns])
        self._y_px = _lines([(rect.top_px, rect.bottom_px) for rect in rows])

    def length(self, outlines: Iterable[shapely.Geometry]) -> SeamLength:
        """How much of the outlines lies on the lines; measured best before they are simplified."""
        pieces_xy = _segments_xy(outlines)
        lengths_px = np.hypot(*(pieces_xy[:, 1] - pieces_xy[:, 0]).T)
        return SeamLength(float(lengths_px[self._is_on_line(pieces_xy)].sum()), float(lengths_px.sum()))

    def on_lines(self, outline: shapely.Geometry) -> shapely.MultiLineString:
        """The parts of an outline that lie on the lines; may be empty."""
        pieces_xy = _segments_xy([outline])
        merged = shapely.line_merge(
            shapely.multilinestrings(shapely.linestrings(pieces_xy[self._is_on_line(pieces_xy)]))
        )
        return shapely.MultiLineString(list(shapely.get_parts(merged)))

    def _is_on_line(self, pieces_xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        return _is_along(pieces_xy, self._x_px) | _is_along(pieces_xy[..., ::-1], self._y_px)


def _lines(spans_px: list[tuple[int, int]]) -> NDArray[np.float64]:
    """Edges and overlaps' middles of tiles side by side, sorted."""
    lines_px: set[float] = set()
    for (_, stop_px), (next_start_px, _) in itertools.pairwise(spans_px):
        lines_px |= {stop_px, next_start_px, (stop_px + next_start_px) / 2}
    return np.array(sorted(lines_px), np.float64)


def _segments_xy(outlines: Iterable[shapely.Geometry]) -> NDArray[np.float64]:
    """(n, 2 ends, 2): the straight pieces of all rings."""
    rings = shapely.get_rings(np.array(list(outlines), np.object_))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    ends_xy = np.stack([xy[:-1], xy[1:]], axis=1)
    pieces_xy: NDArray[np.float64] = ends_xy[ring[:-1] == ring[1:]]
    return pieces_xy


def _is_along(pieces: NDArray[np.float64], lines_px: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether both ends of a piece are on the same line, which runs along the second coordinate."""
    if not lines_px.size:
        return np.zeros(len(pieces), np.bool_)
    across_px = pieces[..., 0]
    nearest = np.abs(across_px.mean(axis=1, keepdims=True) - lines_px).argmin(axis=1)
    is_near = np.abs(across_px - lines_px[nearest, None]) <= ON_LINE_PX
    steps = np.abs(pieces[:, 1] - pieces[:, 0])
    found: NDArray[np.bool_] = is_near.all(axis=1) & (steps[:, 1] > steps[:, 0])
    return found
