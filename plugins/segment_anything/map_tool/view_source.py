"""What the model is shown of a layer: a part of its file, or a picture of it that QGIS renders."""

from __future__ import annotations

import math
from typing import Any, Callable

from qgis.core import QgsMultiBandColorRenderer, QgsRasterLayer, QgsRectangle, QgsSingleBandGrayRenderer

from ..text import tr
from .file_grid import FileGrid, file_grid
from .mailbox import View
from .prompts import XYXY
from .rendering import Rendering
from .squares import Square, side_for, square_for

_LEAST_SIDE_PX = 256
_MOST_SIDE_PX = 4096
"""What the protocol takes."""

_MODEL_SIDE_PX = 1024
_GROUND_SIZES = (0.25, 4.0)
"""What the protocol takes."""


class NothingInSight(Exception):
    """No part of the raster is where the user looks."""


class ViewSource:
    """Finds the view for what is in sight, and makes it. Lives in the main thread.

    Args:
        layer: the raster.
        sees: whether the engine can open a file of this machine.
    """

    def __init__(self, layer: QgsRasterLayer, sees: Callable[[str], bool]) -> None:
        self._layer = layer
        grid = file_grid(layer)
        self._grid: FileGrid | None = grid if grid is not None and sees(grid.path) else None
        self._square_px: Square | None = None
        self._square_map: Square | None = None
        self._rendering: Rendering | None = None

    def request(self, in_sight: QgsRectangle, prompts_xyxy: XYXY | None, then: Callable[[View], None]) -> None:
        """Make the view that holds what is in sight and all prompts, and hand it over: at once, or once it is rendered.

        A request whose view is still being rendered is forgotten when the next one comes.

        Args:
            in_sight: in the CRS of the raster.
            prompts_xyxy: what else it has to hold, in the same.
            then: takes the view, in the main thread.

        Raises:
            NothingInSight: the raster is elsewhere.
        """
        all_xyxy = _xyxy(in_sight) if prompts_xyxy is None else _around(_xyxy(in_sight), prompts_xyxy)
        in_file = self._in_file(all_xyxy)
        if in_file is not None:
            self._drop_rendering()
            then(in_file)
        else:
            self._render(self._visible_map(all_xyxy), then)

    def forget(self) -> None:
        """Stop rendering and choose anew: the layer looks otherwise now."""
        self._drop_rendering()
        self._square_px = self._square_map = None

    def _in_file(self, in_sight_xyxy: XYXY) -> View | None:
        if self._grid is None:
            return None
        size_px = (0.0, 0.0, float(self._grid.width_px), float(self._grid.height_px))
        visible_px = _common(self._grid.to_px_xyxy(in_sight_xyxy), size_px)
        if visible_px is None:
            raise NothingInSight(_elsewhere(self._layer))
        if side_for(visible_px) > _MOST_SIDE_PX and max(size_px) > _MOST_SIDE_PX:
            return None
        self._square_px = square_for(visible_px, self._square_px, _LEAST_SIDE_PX, _MOST_SIDE_PX)
        left, top, right, bottom = _whole(self._square_px, self._grid)
        fields: dict[str, Any] = {
            "raster": self._grid.path,
            "view_px": [left, top, right - left, bottom - top],
            "ground_size": _ground_size(max(right - left, bottom - top)),
        }
        bands = shown_bands(self._layer)
        if bands:
            fields["bands"] = bands
        return View(f"{fields}", fields)

    def _visible_map(self, in_sight_xyxy: XYXY) -> XYXY:
        visible = _common(in_sight_xyxy, _xyxy(self._layer.extent()))
        if visible is None:
            raise NothingInSight(_elsewhere(self._layer))
        return visible

    def _render(self, visible_xyxy: XYXY, then: Callable[[View], None]) -> None:
        self._square_map = square_for(visible_xyxy, self._square_map)
        if self._rendering is not None and self._rendering.is_of(self._square_map):
            self._rendering.then(then)
            return
        self._drop_rendering()
        self._rendering = Rendering(self._layer, self._square_map)
        self._rendering.then(then)

    def _drop_rendering(self) -> None:
        if self._rendering is not None:
            self._rendering.cancel()
            self._rendering = None


def shown_bands(layer: QgsRasterLayer) -> list[int] | None:
    """The bands that the user sees, counted from one: the model should see the same. None where the style says none."""
    renderer = layer.renderer()
    if isinstance(renderer, QgsMultiBandColorRenderer):
        bands = [renderer.redBand(), renderer.greenBand(), renderer.blueBand()]
        return bands if all(band > 0 for band in bands) else None
    if isinstance(renderer, QgsSingleBandGrayRenderer) and renderer.grayBand() > 0:
        return [renderer.grayBand()]
    return None


def _xyxy(rectangle: QgsRectangle) -> XYXY:
    return (rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(), rectangle.yMaximum())


def _around(one: XYXY, other: XYXY) -> XYXY:
    return (min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3]))


def _common(one: XYXY, other: XYXY) -> XYXY | None:
    left, low = max(one[0], other[0]), max(one[1], other[1])
    right, high = min(one[2], other[2]), min(one[3], other[3])
    return (left, low, right, high) if left < right and low < high else None


def _whole(square: Square, grid: FileGrid) -> tuple[int, int, int, int]:
    """The square in whole pixels, moved into the file where it looks over the edge; smaller only if the file is."""
    corners = []
    for low, size_px in ((square.left, grid.width_px), (square.low, grid.height_px)):
        side = min(round(square.side), size_px)
        start = min(max(math.floor(low), 0), size_px - side)
        corners.append((start, start + side))
    (left, right), (top, bottom) = corners
    return left, top, right, bottom


def _ground_size(long_side_px: int) -> float:
    """So that the engine reads as many pixels as the model sees.

    With fewer, outlines in small views would have steps; with more, large views would take longer and gain nothing.
    """
    return round(min(max(_MODEL_SIDE_PX / long_side_px, _GROUND_SIZES[0]), _GROUND_SIZES[1]), 6)


def _elsewhere(layer: QgsRasterLayer) -> str:
    return tr("the raster '{0}' isn't in sight: right-click it in the layers panel and zoom to it").format(layer.name())
