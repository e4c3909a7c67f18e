"""Giving each prompt of a layer to the tile that shows it best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from sam_backend.geo.prompt_layer import FeaturePrompt
from sam_backend.geo.tiles import PixelRect, TileGrid


@dataclass(frozen=True, slots=True, eq=False)
class PromptedView:
    """What to read, and the prompts to answer in it."""

    rect: PixelRect
    """In run px."""

    tile_index: int | None
    """None where no tile of the grid shows the prompt whole, so that it has a view of its own."""

    prompts: list[FeaturePrompt]


@dataclass(frozen=True, slots=True, eq=False)
class AssignedPrompts:
    """Where each prompt went."""

    views: list[PromptedView]
    """Tiles by index, then the views of single prompts."""

    refused: dict[int, str]
    """Why a prompt has no view, by feature id."""


def assign_to_tiles(
    prompts: Iterable[FeaturePrompt], grid: TileGrid, area_px: shapely.Geometry | None = None
) -> AssignedPrompts:
    """Give each prompt to the tile whose centre is nearest to its own.

    All tiles have one size, so if that one doesn't show it whole, none does: then it gets a view of its own, a tile in
    size, around its centre. Prompts larger than a tile, and those that lie outside the raster or the area, are refused.

    Args:
        prompts: in run px.
        grid: of the run.
        area_px: in run px, what prompts have to meet; None: the whole raster.
    """
    shapely.prepare(area_px)
    by_tile: dict[int, list[FeaturePrompt]] = defaultdict(list)
    own_views: list[PromptedView] = []
    refused: dict[int, str] = {}
    columns, rows = _starts(grid)
    for prompt in prompts:
        reason = _why_not(prompt, grid, area_px)
        if reason:
            refused[prompt.feature_id] = reason
            continue
        bounds_xyxy = _inside(prompt.bounds_xyxy, grid)
        tile = grid.tile(_nearest(bounds_xyxy, columns, rows, grid))
        if _shows(tile.rect, bounds_xyxy):
            by_tile[tile.index].append(prompt)
        else:
            own_views.append(PromptedView(_view_around(bounds_xyxy, grid), None, [prompt]))
    views = [PromptedView(grid.tile(index).rect, index, by_tile[index]) for index in sorted(by_tile)]
    return AssignedPrompts(views + own_views, refused)


def _starts(grid: TileGrid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Left edges of the columns and top edges of the rows."""
    columns = [grid.tile(column).rect.left_px for column in range(grid.n_columns)]
    rows = [grid.tile(row * grid.n_columns).rect.top_px for row in range(grid.n_rows)]
    return np.array(columns), np.array(rows)


def _why_not(prompt: FeaturePrompt, grid: TileGrid, area_px: shapely.Geometry | None) -> str | None:
    x0, y0, x1, y1 = prompt.bounds_xyxy.tolist()
    width, height = grid.raster_width_px, grid.raster_height_px
    if x1 < 0 or y1 < 0 or x0 > width or y0 > height:
        return "it lies outside the raster"
    if ((prompt.points_xy < 0) | (prompt.points_xy > [width, height])).any():
        return "one of its points lies outside the raster"
    if area_px is not None and not area_px.intersects(prompt.shape):
        return "it lies outside the area of interest"
    bounds_xyxy = _inside(prompt.bounds_xyxy, grid)
    # Of whole pixels: a view begins and ends with one.
    width_px, height_px = np.ceil(bounds_xyxy[2:]) - np.floor(bounds_xyxy[:2])
    if max(width_px, height_px) > grid.tile_px:
        return (
            f"it spans {width_px:.0f} x {height_px:.0f} px, more than a tile of {grid.tile_px} px: "
            "give larger tiles or a smaller ground-size factor"
        )
    return None


def _inside(bounds_xyxy: NDArray[np.float64], grid: TileGrid) -> NDArray[np.float64]:
    return bounds_xyxy.clip(0, np.tile([grid.raster_width_px, grid.raster_height_px], 2))


def _nearest(
    bounds_xyxy: NDArray[np.float64], columns: NDArray[np.int64], rows: NDArray[np.int64], grid: TileGrid
) -> int:
    rect = grid.tile(0).rect
    left_top_xy = (bounds_xyxy[:2] + bounds_xyxy[2:] - [rect.width_px, rect.height_px]) / 2
    column, row = np.abs(columns - left_top_xy[0]).argmin(), np.abs(rows - left_top_xy[1]).argmin()
    return int(row) * grid.n_columns + int(column)


def _shows(rect: PixelRect, bounds_xyxy: NDArray[np.float64]) -> bool:
    x0, y0, x1, y1 = bounds_xyxy.tolist()
    return bool(rect.left_px <= x0 and rect.top_px <= y0 and x1 <= rect.right_px and y1 <= rect.bottom_px)


def _view_around(bounds_xyxy: NDArray[np.float64], grid: TileGrid) -> PixelRect:
    rect = grid.tile(0).rect
    centre_x, centre_y = (bounds_xyxy[:2] + bounds_xyxy[2:]) / 2
    left = min(max(0, round(centre_x - rect.width_px / 2)), grid.raster_width_px - rect.width_px)
    top = min(max(0, round(centre_y - rect.height_px / 2)), grid.raster_height_px - rect.height_px)
    return rect.moved(left, top)
