"""Cutting a raster into tiles, and choosing a part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sam_backend.errors import DatasetError
from sam_backend.geo.tiles import PixelRect, Tile, TileGrid


@dataclass(frozen=True, slots=True)
class RasterPart:
    """A rectangle of a raster in shares of its width and height, from its top left corner; right and bottom excluded.

    Shares, unlike map coordinates, need no CRS and fit every raster. Parts that meet, such as ``right=0.5`` and
    ``left=0.5``, share no pixel: train on one, evaluate on the other.
    """

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def __post_init__(self) -> None:
        """Check order and range.

        Raises:
            DatasetError: it has no area, or leaves the raster.
        """
        if not (0 <= self.left < self.right <= 1 and 0 <= self.top < self.bottom <= 1):
            raise DatasetError(
                f"the part {self.left:g},{self.top:g},{self.right:g},{self.bottom:g} of the raster makes no sense: "
                "give left,top,right,bottom from 0 to 1, e.g. 0,0,0.5,1 for the west half"
            )

    def rect(self, raster_hw: tuple[int, int]) -> PixelRect:
        """The pixels of this part.

        Raises:
            DatasetError: there are none.
        """
        height, width = raster_hw
        left, right = round(self.left * width), round(self.right * width)
        top, bottom = round(self.top * height), round(self.bottom * height)
        if left == right or top == bottom:
            raise DatasetError(f"{self} of a raster of {width} x {height} px has no pixel: choose a larger part")
        return PixelRect(left, top, right, bottom)


WHOLE_RASTER = RasterPart()


@dataclass(frozen=True, slots=True)
class Tiling:
    """How to cut a raster: square tiles of one size, row by row; the last of a row or column overlaps more."""

    tile_px: int = 1024
    """Side. A raster, or part of one, that is smaller gives smaller tiles."""

    overlap_px: int = 128
    """What neighbours share at least, so that an object of this size is whole in one of them."""

    part: RasterPart = WHOLE_RASTER
    """Tiles never leave it."""

    def __post_init__(self) -> None:
        """Check the sizes.

        Raises:
            DatasetError: tiles without a pixel, or that don't move on.
        """
        if not 0 <= self.overlap_px < self.tile_px:
            raise DatasetError(
                f"tiles of {self.tile_px} px that overlap by {self.overlap_px} px can't be cut: "
                "give an overlap from 0 to less than the tile"
            )

    def tiles(self, raster_hw: tuple[int, int]) -> Iterator[Tile]:
        """Every tile of a raster, row by row; rows and columns count from 0 in the part.

        Raises:
            DatasetError: the part has no pixel.
        """
        part = self.part.rect(raster_hw)
        for tile in TileGrid(part.width_px, part.height_px, self.tile_px, self.overlap_px):
            yield replace(tile, rect=tile.rect.moved(part.left_px, part.top_px))


DEFAULT_TILING = Tiling()
