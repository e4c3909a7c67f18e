"""A raster as tiles of 8-bit RGB in their place on the map, by one plan."""

from __future__ import annotations

import itertools
import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from PIL import Image

from sam_backend.errors import RasterError
from sam_backend.geo.frame import map_to_pixel_xy, pixel_to_map_xy
from sam_backend.geo.raster import RasterWindow, open_dataset, open_raster, reading_of
from sam_backend.geo.read_plan import ReadPlan, plan_reading
from sam_backend.geo.source import Source, rows_and_columns
from sam_backend.geo.tiles import OVERLAP_PX, TILE_PX, PixelRect, Tile, TileGrid

_GREY = 128
"""Of a window without any data."""

_LOOK_PX = 256
"""How much to look at a time for a first pixel with data."""


class TiledRaster:
    """Reads rectangles of a raster in run px (see `TileGrid`).

    Threads may share it, and it may be sent to other processes: each opens the file for itself.
    """

    def __init__(
        self,
        path: Path,
        plan: ReadPlan,
        tile_px: int = TILE_PX,
        overlap_px: int = OVERLAP_PX,
        area_of_interest: shapely.Geometry | None = None,
    ) -> None:
        """Read the raster's facts; no pixel.

        Args:
            path: the raster that the plan was made for.
            plan: how to read it.
            tile_px: side of a tile, in run px.
            overlap_px: what neighbours share, in run px.
            area_of_interest: in the raster's CRS; only tiles that it meets are handed out. None: the whole raster.

        Raises:
            RasterError: the raster can't be read or isn't that of the plan, or the area lies outside it.
        """
        self.path, self.plan = path, plan
        with open_raster(path) as raster:
            self.crs = raster.crs
            self.source_transform: Affine = raster.transform
            _check_is_planned(path, (raster.width, raster.height, raster.count), plan)
        run_width_px, run_height_px = plan.run_wh
        self.grid = TileGrid(run_width_px, run_height_px, tile_px, overlap_px)
        self._source_per_run_xy = np.array([plan.source_width_px, plan.source_height_px]) / plan.run_wh
        self.transform: Affine = self.source_transform @ Affine.scale(*self._source_per_run_xy.tolist())
        """From run px to map coordinates."""
        self.area_px = None if area_of_interest is None else self._area_in_run_px(area_of_interest)
        """The area of interest in run px."""
        self._of_thread = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        """Everything but open files."""
        return {name: value for name, value in self.__dict__.items() if name != "_of_thread"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Open nothing yet."""
        self.__dict__.update(state, _of_thread=threading.local())

    @property
    def map_bounds(self) -> tuple[float, float, float, float]:
        """Smallest x and y, largest x and y of the raster's corners, in its CRS."""
        width, height = self.plan.run_wh
        corners_xy = pixel_to_map_xy(np.array([[0.0, 0], [width, 0], [width, height], [0, height]]), self.transform)
        (x0, y0), (x1, y1) = corners_xy.min(axis=0).tolist(), corners_xy.max(axis=0).tolist()
        return x0, y0, x1, y1

    def tiles(self) -> Iterator[Tile]:
        """Tiles that meet the area of interest and hold at least one written block, row by row; no pixel is read."""
        chosen = self.grid if self.area_px is None else self._meeting_area(self.area_px)
        for _, row in itertools.groupby(chosen, key=lambda tile: tile.row):
            yield from self._maybe_with_data(list(row))

    def is_provably_empty(self, tile: Tile) -> bool:
        """Whether a tile has no data: no block was written, or its mask at full resolution is False throughout.

        Stops at the first pixel with data; never asks an overview.

        Raises:
            RasterError: the raster can't be read.
        """
        rect = self._source_rect(tile.rect)
        with reading_of(self.path):
            source, nodata = self._source(), self.plan.nodata
            if nodata.is_empty(rect, source):
                return True
            if not (nodata.collars or source.may_hide_gaps):
                return False
            pieces = (piece for piece in _pieces(rect) if not nodata.is_empty(piece, source))
            return not any(nodata.has_data(piece, source).any() for piece in pieces)

    def read_tile(self, tile: Tile) -> RasterWindow | None:
        """Read a tile; None if it is provably empty.

        Raises:
            RasterError: the raster can't be read.
        """
        window = self.read(tile.rect)
        return None if not window.is_valid.any() and self.is_provably_empty(tile) else window

    def read(self, rect: PixelRect) -> RasterWindow:
        """Read any rectangle.

        It may reach beyond the raster, where nothing is valid: so a small raster fills a tile and keeps its scale.

        Raises:
            RasterError: the raster can't be read, or the rectangle has no pixel.
        """
        inside = rect.intersection(PixelRect(0, 0, *self.plan.run_wh))
        if rect.is_empty:
            raise RasterError(f"{rect} has no pixel: give one with right > left and bottom > top")
        pixels = np.zeros((rect.height_px, rect.width_px, 3), np.uint8)
        is_valid = np.zeros((rect.height_px, rect.width_px), np.bool_)
        if not inside.is_empty:
            at = rows_and_columns(inside, rect)
            pixels[at], is_valid[at] = self._read_inside(inside)
        transform = self.transform @ Affine.translation(rect.left_px, rect.top_px)
        return RasterWindow(_filled(pixels, is_valid), is_valid, transform, self.crs)

    def _maybe_with_data(self, tiles: list[Tile]) -> list[Tile]:
        with reading_of(self.path):
            source = self._source()
            return [tile for tile in tiles if not self.plan.nodata.is_empty(self._source_rect(tile.rect), source)]

    def _read_inside(self, rect: PixelRect) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        source_rect = self._source_rect(rect, self._margin_px())
        with reading_of(self.path):
            source = self._source()
            values = source.values(source_rect)
            is_valid = self.plan.nodata.has_data(source_rect, source, values)
            rgb = _to_rgb(values, self.plan, source)
        if self.plan.ground_size_factor == 1:
            return rgb, is_valid
        coverage = self._resampled(is_valid.astype(np.uint8) * 255, rect, source_rect)
        return self._resampled(_filled(rgb, is_valid), rect, source_rect), coverage >= 128

    def _resampled(self, image: NDArray[np.uint8], rect: PixelRect, source_rect: PixelRect) -> NDArray[np.uint8]:
        """Bilinear with antialiasing, on places that depend on the raster alone: neighbouring windows agree."""
        corners = np.array([[rect.left_px, rect.top_px], [rect.right_px, rect.bottom_px]]) * self._source_per_run_xy
        height, width = image.shape[:2]
        box = (corners - [source_rect.left_px, source_rect.top_px]).clip(0, [width, height]).ravel().tolist()
        resized = Image.fromarray(image).resize(
            (rect.width_px, rect.height_px), Image.Resampling.BILINEAR, box=tuple(box)
        )
        return np.asarray(resized)

    def _margin_px(self) -> int:
        """Source px beyond a rectangle that its outermost pixels are made of."""
        if self.plan.ground_size_factor == 1:
            return 0
        return 1 + math.ceil(float(self._source_per_run_xy.max()))

    def _source_rect(self, rect: PixelRect, margin_px: int = 0) -> PixelRect:
        """The source px that a rectangle of run px is made of."""
        per_x, per_y = self._source_per_run_xy.tolist()
        grown = PixelRect(
            math.floor(rect.left_px * per_x) - margin_px,
            math.floor(rect.top_px * per_y) - margin_px,
            math.ceil(rect.right_px * per_x) + margin_px,
            math.ceil(rect.bottom_px * per_y) + margin_px,
        )
        return grown.intersection(PixelRect(0, 0, self.plan.source_width_px, self.plan.source_height_px))

    def _source(self) -> Source:
        """This thread's own; after a fork, too, when the parent's open file can't be shared."""
        if getattr(self._of_thread, "process", None) != os.getpid():
            self._of_thread.source = Source(open_dataset(self.path), self.plan.bands)
            self._of_thread.process = os.getpid()
        source: Source = self._of_thread.source
        return source

    def _area_in_run_px(self, area: shapely.Geometry) -> shapely.Geometry:
        if self.transform.is_degenerate:
            raise RasterError(f"{self.path.name} has a transform without area, so no area can be placed on it")
        area_px = shapely.transform(area, lambda xy: map_to_pixel_xy(xy, self.transform))
        if not area_px.intersects(shapely.box(0, 0, *self.plan.run_wh)):
            raise RasterError(
                f"the area of interest lies outside {self.path.name}: give one that meets it, in the CRS {self.crs}"
            )
        return area_px

    def _meeting_area(self, area_px: shapely.Geometry) -> Iterator[Tile]:
        shapely.prepare(area_px)
        for tile in self.grid:
            rect = tile.rect
            box = shapely.box(rect.left_px, rect.top_px, rect.right_px, rect.bottom_px)
            if area_px.intersects(box) and not area_px.touches(box):
                yield tile


def read_raster(path: Path) -> RasterWindow:
    """Read a whole raster, by a plan of its own.

    Raises:
        RasterError: the file can't be read, or has no data.
    """
    raster = TiledRaster(path, plan_reading(path))
    return raster.read(PixelRect(0, 0, *raster.plan.run_wh))


def _check_is_planned(path: Path, width_height_count: tuple[int, int, int], plan: ReadPlan) -> None:
    width, height, n_bands = width_height_count
    if (width, height) != (plan.source_width_px, plan.source_height_px) or max(plan.bands) > n_bands:
        raise RasterError(
            f"{path.name} has {width} x {height} px and {n_bands} bands, its plan is of "
            f"{plan.source_width_px} x {plan.source_height_px} px and band {max(plan.bands)}: "
            "the raster was changed, start a new run"
        )


def _to_rgb(values: NDArray[Any], plan: ReadPlan, source: Source) -> NDArray[np.uint8]:
    """Bands (n, h, w) as (h, w, 3)."""
    if source.palette is not None:
        return source.palette[values[0], :3]
    bands: NDArray[np.uint8] = values if plan.stretch is None else plan.stretch(values)
    rgb = bands if len(bands) == 3 else np.repeat(bands, 3, axis=0)
    return np.ascontiguousarray(rgb.transpose(1, 2, 0))


def _filled(rgb: NDArray[np.uint8], is_valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The mean of the valid pixels in place of the others, so that no false edge of black shows."""
    if is_valid.all():
        return rgb
    mean = rgb[is_valid].mean(axis=0).astype(np.uint8) if is_valid.any() else np.uint8(_GREY)
    return np.where(is_valid[..., None], rgb, mean)


def _pieces(rect: PixelRect) -> Iterator[PixelRect]:
    for top in range(rect.top_px, rect.bottom_px, _LOOK_PX):
        for left in range(rect.left_px, rect.right_px, _LOOK_PX):
            yield PixelRect(left, top, left + _LOOK_PX, top + _LOOK_PX).intersection(rect)
