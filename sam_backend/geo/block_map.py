"""Which blocks of a sparse GeoTIFF were never written: told by its table of offsets, so no pixel is read."""

from __future__ import annotations

import itertools
import math

import numpy as np
from rasterio.io import DatasetReader

from sam_backend.geo.tiles import PixelRect

_UNKNOWN, _MISSING, _THERE = -1, 0, 1


class BlockMap:
    """Looks blocks up when they are asked for, each once. Of other formats every block counts as written."""

    def __init__(self, raster: DatasetReader) -> None:
        """Look nothing up yet."""
        self._raster = raster
        self._block_hw: tuple[int, int] = raster.block_shapes[0]
        in_one_table = raster.interleaving is None or raster.interleaving.name.lower() == "pixel"
        self._bands = [1] if in_one_table else list(raster.indexes)
        shape = [math.ceil(side / block) for side, block in zip(raster.shape, self._block_hw, strict=True)]
        is_told = raster.driver == "GTiff"  # of other formats GDAL tells no offset, which doesn't mean missing
        self._state = np.full(shape, _UNKNOWN if is_told else _THERE, np.int8)

    def is_missing(self, rect: PixelRect) -> bool:
        """Whether all blocks that a rectangle of source px meets are missing; stops at the first that is there."""
        return not any(self._is_there(row, column) for row, column in self._blocks(rect))

    def missing_in(self, rect: PixelRect) -> list[PixelRect]:
        """The missing blocks that a rectangle of source px meets, cut to it."""
        found = [block for block in self._blocks(rect) if not self._is_there(*block)]
        return [self._rect(row, column).intersection(rect) for row, column in found]

    def _blocks(self, rect: PixelRect) -> itertools.product[tuple[int, int]]:
        height, width = self._block_hw
        rows = range(rect.top_px // height, math.ceil(rect.bottom_px / height))
        columns = range(rect.left_px // width, math.ceil(rect.right_px / width))
        return itertools.product(rows, columns)

    def _rect(self, row: int, column: int) -> PixelRect:
        height, width = self._block_hw
        return PixelRect(column * width, row * height, (column + 1) * width, (row + 1) * height)

    def _is_there(self, row: int, column: int) -> bool:
        if self._state[row, column] == _UNKNOWN:
            name = f"BLOCK_OFFSET_{column}_{row}"
            offsets = (self._raster.get_tag_item(name, "TIFF", bidx=band) for band in self._bands)
            self._state[row, column] = _THERE if any(offset is not None for offset in offsets) else _MISSING
        return bool(self._state[row, column] == _THERE)
