"""A GeoTIFF and the polygons drawn on it, as tiles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from sam_backend.errors import DatasetError, ImageError, RasterError
from sam_backend.geo.raster import open_raster
from sam_backend.geo.read_plan import plan_reading
from sam_backend.geo.tiled_raster import TiledRaster
from sam_backend.geo.tiles import PixelRect
from sam_backend.masks.polygons import polygons_to_mask
from sam_backend.training.data.raster_polygons import RasterPlace, read_raster_polygons
from sam_backend.training.data.stored import LazyMasks, SkippedItems
from sam_backend.training.data.tiling import DEFAULT_TILING, Tiling
from sam_backend.training.sample import LabelledPicture
from sam_backend.types import Polygon


@dataclass(frozen=True, slots=True, eq=False)
class _TileEntry:
    rect: PixelRect
    objects: list[shapely.MultiPolygon]
    """In pixels of the whole raster."""


class LabelledRaster:
    """Tiles of a raster with the polygons seen in them, named e.g. ``kampala_r0_c2``. Empty tiles are left out."""

    def __init__(
        self, raster: Path, polygons: Path, polygons_crs: str | None = None, tiling: Tiling = DEFAULT_TILING
    ) -> None:
        """Place the polygons on the raster. No pixel is read.

        Args:
            raster: any raster of GDAL's with a CRS.
            polygons: a vector file; one object a feature.
            polygons_crs: where the file says none or a wrong one; see `read_raster_polygons`.
            tiling: how to cut.

        Raises:
            RasterError: the raster can't be read.
            DatasetError: the polygons can't be read, or none lies on the raster.
        """
        self.skipped = SkippedItems()
        self._raster = raster
        with open_raster(raster) as opened:
            raster_hw, transform, crs = (opened.height, opened.width), opened.transform, opened.crs
        if crs is None:
            raise DatasetError(
                f"{raster} has no CRS, so no polygon can be placed on it: assign one (gdal_edit.py -a_srs)"
            )
        objects = read_raster_polygons(polygons, RasterPlace(transform, crs), polygons_crs, self.skipped)
        self._tiles = _tiles_with_objects(objects, tiling, raster_hw, raster.stem)
        self._reader: TiledRaster | None = None
        self.names = list(self._tiles)
        if not self.names:
            reasons = "".join(f" ({item}: {reason})" for item, reason in list(self.skipped.reasons.items())[:1])
            raise DatasetError(
                f"no polygon of {polygons} lies on {raster} or the part of it that was chosen{reasons}: "
                "give the polygons of this raster, and state their CRS where the file says none or a wrong one"
            )

    def read(self, name: str) -> LabelledPicture:
        """Read one tile. Its masks, which never cover pixels without data, are drawn when they are asked for.

        Raises:
            ImageError: the tile can't be read, or holds no data.
        """
        tile = self._tiles[name]
        try:
            if self._reader is None:  # not before: a plan looks at pixels
                self._reader = TiledRaster(self._raster, plan_reading(self._raster))
            read = self._reader.read(tile.rect)
        except RasterError as error:
            raise ImageError(f"the tile {name} can't be used: {error}") from None
        if not read.is_valid.any():
            raise ImageError(f"the tile {name} can't be used: {self._raster.name} has no data in it")
        origin_xy = np.array([tile.rect.left_px, tile.rect.top_px], np.float64)
        masks = LazyMasks([partial(_drawn, pieces, origin_xy, read.is_valid) for pieces in tile.objects])
        return LabelledPicture(image=read.pixels, masks=masks)


def _tiles_with_objects(
    objects: list[shapely.MultiPolygon], tiling: Tiling, raster_hw: tuple[int, int], stem: str
) -> dict[str, _TileEntry]:
    tree = shapely.STRtree(objects)
    entries: dict[str, _TileEntry] = {}
    for tile in tiling.tiles(raster_hw):
        indices = np.sort(tree.query(_pixel_centres(tile.rect), predicate="intersects"))
        if len(indices):
            entries[f"{stem}_r{tile.row}_c{tile.column}"] = _TileEntry(tile.rect, [objects[at] for at in indices])
    return entries


def _pixel_centres(rect: PixelRect) -> shapely.Polygon:
    """The box around the centres of a rectangle's pixels: a polygon that misses it draws no pixel."""
    return shapely.box(rect.left_px + 0.5, rect.top_px + 0.5, rect.right_px - 0.5, rect.bottom_px - 0.5)


def _drawn(
    pieces: shapely.MultiPolygon, origin_xy: NDArray[np.float64], is_valid: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """One object's mask in a tile whose top left corner is at ``origin_xy`` of the raster."""
    polygons = [
        Polygon(
            exterior_xy=_corners_xy(piece.exterior) - origin_xy,
            holes_xy=tuple(_corners_xy(hole) - origin_xy for hole in piece.interiors),
        )
        for piece in pieces.geoms
    ]
    height, width = is_valid.shape
    return polygons_to_mask(polygons, (height, width)) & is_valid


def _corners_xy(ring: shapely.LinearRing) -> NDArray[np.float64]:
    corners_xy: NDArray[np.float64] = shapely.get_coordinates(ring)[:-1]
    return corners_xy
