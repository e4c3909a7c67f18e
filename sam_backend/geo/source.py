"""An open raster as a plan sees it: values and validity of rectangles, in source px (the raster's own pixels)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader
from rasterio.windows import Window

from sam_backend.geo.bands import choose_bands, has_palette
from sam_backend.geo.block_map import BlockMap
from sam_backend.geo.tiles import PixelRect

NOTHING = "nothing"


@dataclass(eq=False)
class Source:
    """One thread's view of a raster. Rectangles must lie inside the raster."""

    raster: DatasetReader

    bands: tuple[int, ...]
    """The bands to be shown, from 1."""

    blocks: BlockMap = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the map of blocks."""
        self.blocks = BlockMap(self.raster)

    @property
    def rect(self) -> PixelRect:
        """The whole raster."""
        return PixelRect(0, 0, self.raster.width, self.raster.height)

    @cached_property
    def declared_nodata(self) -> str:
        """How the raster says where it has no data: ``alpha``, ``mask``, ``nodata`` or ``nothing``."""
        flags = {flag for band in self.bands for flag in self.raster.mask_flag_enums[band - 1]}
        if ColorInterp.alpha in self.raster.colorinterp and MaskFlags.alpha in flags:
            return "alpha"
        if MaskFlags.nodata in flags:
            return "nodata"
        return "mask" if MaskFlags.per_dataset in flags else NOTHING

    @cached_property
    def palette(self) -> NDArray[np.uint8] | None:
        """(entries, 4) RGBA, or None where the bands are no places in a colour table."""
        if not has_palette(self.raster, self.bands):
            return None
        n_entries = 1 + int(np.iinfo(self.raster.dtypes[self.bands[0] - 1]).max)
        table = np.zeros((n_entries, 4), np.uint8)
        for index, colour in self.raster.colormap(self.bands[0]).items():
            if index < n_entries:  # GDAL keeps colours of values that the type doesn't have
                table[index] = colour
        return table

    @cached_property
    def collar_bands(self) -> tuple[int, ...]:
        """The bands that must all be black, or white, in a collar: never one picked out of three."""
        return tuple(sorted({*self.bands, *choose_bands(self.raster)}))

    @property
    def may_hide_gaps(self) -> bool:
        """Whether some pixels of a written block may be without data: by the raster's word, or as NaN."""
        return self.declared_nodata != NOTHING or self.palette is not None or self._has_floats

    def values(self, rect: PixelRect) -> NDArray[Any]:
        """(bands, h, w) as stored."""
        read: NDArray[Any] = self.raster.read(self.bands, window=_window(rect))
        return read

    def is_all(self, rect: PixelRect, value: int) -> NDArray[np.bool_]:
        """(h, w): where all bands hold a value."""
        read: NDArray[Any] = self.raster.read(self.collar_bands, window=_window(rect))
        same: NDArray[np.bool_] = (read == value).all(axis=0)
        return same

    def has_data(self, rect: PixelRect, values: NDArray[Any] | None = None) -> NDArray[np.bool_]:
        """(h, w): True where the raster itself claims data and the block was written.

        Args:
            rect: what to look at.
            values: of that rectangle, if they are at hand.
        """
        valid = np.ones((rect.height_px, rect.width_px), np.bool_)
        if self.declared_nodata != NOTHING:
            valid &= self.raster.read_masks(self.bands, window=_window(rect)).any(axis=0)
        if self._has_floats:
            valid &= np.isfinite(self.values(rect) if values is None else values).any(axis=0)
        if self.palette is not None:
            valid &= self.palette[(self.values(rect) if values is None else values)[0], 3] > 0
        for gap in self.blocks.missing_in(rect):
            valid[rows_and_columns(gap, rect)] = False
        return valid

    @cached_property
    def _has_floats(self) -> bool:
        return any(np.dtype(self.raster.dtypes[band - 1]).kind == "f" for band in self.bands)


def rows_and_columns(part: PixelRect, whole: PixelRect) -> tuple[slice, slice]:
    """Where in an array of ``whole`` lies ``part``."""
    rows = slice(part.top_px - whole.top_px, part.bottom_px - whole.top_px)
    return rows, slice(part.left_px - whole.left_px, part.right_px - whole.left_px)


def _window(rect: PixelRect) -> Window:
    return Window(rect.left_px, rect.top_px, rect.width_px, rect.height_px)
