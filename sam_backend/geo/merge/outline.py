"""The number that shows seams: how much of the objects' outlines lies on the edges of tiles."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sam_backend.geo.merge.fragment import MergedObject
from sam_backend.geo.tiles import PlacedMask, TileGrid


def outline_on_grid_share(objects: Iterable[MergedObject], grid: TileGrid) -> float:
    """Share of the outlines' length, holes included, that lies on edges of tiles inside the raster.

    Outlines follow pixel edges. 0 is no seam at all; a hundredth is what straight walls reach by chance. Objects cut in
    half at every tile reach a tenth. 0 for no objects.
    """
    rects = [tile.rect for tile in grid]
    xs = {x for rect in rects for x in (rect.left_px, rect.right_px)} - {0, grid.raster_width_px}
    ys = {y for rect in rects for y in (rect.top_px, rect.bottom_px)} - {0, grid.raster_height_px}
    on_grid_px = length_px = 0
    for merged in objects:
        per_x, per_y = _outline_px(merged.placed)
        length_px += int(per_x.sum()) + int(per_y.sum())
        on_grid_px += _on_lines_px(per_x, merged.placed.left_px, xs) + _on_lines_px(per_y, merged.placed.top_px, ys)
    return on_grid_px / length_px if length_px else 0.0


def _outline_px(placed: PlacedMask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(w + 1,) and (h + 1,): length of outline on every vertical and every horizontal line between pixels."""
    beside = np.pad(placed.mask, ((0, 0), (1, 1)))
    below = np.pad(placed.mask, ((1, 1), (0, 0)))
    return (beside[:, 1:] != beside[:, :-1]).sum(axis=0), (below[1:] != below[:-1]).sum(axis=1)


def _on_lines_px(per_line_px: NDArray[np.int64], first_line: int, lines: set[int]) -> int:
    return sum(int(per_line_px[line - first_line]) for line in lines if 0 <= line - first_line < len(per_line_px))
