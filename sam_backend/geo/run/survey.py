"""Objects drawn on the map and measured where they lie, and held against the limits of areas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from sam_backend.errors import RasterError
from sam_backend.geo.frame import outlines_to_map
from sam_backend.geo.measures import GroundSize, ground_ruler
from sam_backend.geo.merge import MergedObject
from sam_backend.geo.merge.placed import rect_of
from sam_backend.geo.outlines import Polygonal
from sam_backend.geo.run.drawing import draw
from sam_backend.geo.run.result_options import ResultOptions
from sam_backend.geo.run.run_place import RunPlace

N_PROBES = 5
"""Along each side of a raster: where it is asked whether the CRS knows a size at all."""

HOPE = 2.0
"""How much more than the pixel in its middle the pixels of an object may cover."""


@dataclass(frozen=True, slots=True, eq=False)
class Surveyed:
    """An object as it is to be written."""

    merged: MergedObject

    along_pixels: Polygonal
    """In run px."""

    outline: shapely.Geometry
    """In map coordinates."""

    size: GroundSize | None
    """Of ``outline``; None where the CRS doesn't know the earth."""


class Surveyor:
    """Draws, measures and filters objects, a batch at a time.

    Args:
        place: of the run.
        options: how to draw, and the limits.

    Raises:
        RasterError: the options need sizes that can't be told.
    """

    def __init__(self, place: RunPlace, options: ResultOptions) -> None:
        grid = place.grid
        check_measurable(options, place.crs, place.transform, (grid.raster_width_px, grid.raster_height_px))
        self._place, self._options = place, options
        self._ruler = ground_ruler(place.crs)

    def survey(self, batch: Sequence[MergedObject]) -> list[Surveyed]:
        """The objects within the limits, in their order; where shared borders are asked for, ``batch`` is all of them.

        Raises:
            RasterError: the options need a size, and that of an object isn't finite.
        """
        return self._survey(batch, self._options)

    def within_limits(self, batch: Sequence[MergedObject]) -> list[MergedObject]:
        """The objects that the limits leave, each for itself, before any is nested."""
        options = self._options
        if not options.limits_areas:
            return list(batch)
        alone = replace(options, drawing="outlines") if options.drawing == "coverage" else options
        return [one.merged for one in self._survey(batch, alone)]

    def sizes(self, on_map: Iterable[shapely.Geometry]) -> list[GroundSize | None]:
        """Of outlines in map coordinates."""
        outlines = list(on_map)
        return [None] * len(outlines) if self._ruler is None else [*self._ruler.measure(outlines)]

    def _survey(self, batch: Sequence[MergedObject], options: ResultOptions) -> list[Surveyed]:
        batch = self._not_hopeless(batch)
        drawn = draw([merged.placed for merged in batch], options, self._least_holes_px2(batch))
        on_map = outlines_to_map(drawn.outlines, self._place.transform)
        surveyed = (
            Surveyed(*parts) for parts in zip(batch, drawn.along_pixels, on_map, self.sizes(on_map), strict=True)
        )
        return [one for one in surveyed if self._is_within(one.size)]

    def _is_within(self, size: GroundSize | None) -> bool:
        if size is None or not self._options.limits_areas:
            return True
        if not np.isfinite(size.area_m2):
            raise _misfit(self._place.crs)
        return self._options.min_area_m2 <= size.area_m2 <= self._options.max_area_m2

    def _not_hopeless(self, batch: Sequence[MergedObject]) -> Sequence[MergedObject]:
        """All but those that are too small whatever is drawn in their rectangles; drawing takes a millisecond each."""
        if self._options.min_area_m2 == 0 or not batch:
            return batch
        margin_px = 2 * (self._options.simplify_px + 1)
        rects = [rect_of(merged.placed) for merged in batch]
        most_px2 = np.array([(rect.width_px + margin_px) * (rect.height_px + margin_px) for rect in rects])
        is_hopeless = most_px2 * self._pixels_m2(batch) * HOPE < self._options.min_area_m2  # not where that is nan
        return [merged for merged, is_out in zip(batch, is_hopeless.tolist(), strict=True) if not is_out]

    def _least_holes_px2(self, batch: Sequence[MergedObject]) -> list[float]:
        if self._options.min_hole_m2 == 0 or not batch:
            return [0.0] * len(batch)
        pixels_m2 = self._pixels_m2(batch)
        if not np.isfinite(pixels_m2).all():
            raise _misfit(self._place.crs)
        least_px2: list[float] = (self._options.min_hole_m2 / pixels_m2).tolist()
        return least_px2

    def _pixels_m2(self, batch: Sequence[MergedObject]) -> NDArray[np.float64]:
        """(n,): what a pixel covers in the middle of each object; nan where the CRS doesn't know."""
        if self._ruler is None:
            return np.full(len(batch), np.nan)
        rects = [rect_of(merged.placed) for merged in batch]
        centres_xy = np.array([(r.left_px + r.right_px, r.top_px + r.bottom_px) for r in rects]) / 2
        return self._ruler.pixel_areas_m2(self._place.transform, centres_xy)


def check_measurable(options: ResultOptions, crs: CRS | None, transform: Affine, size_xy: tuple[int, int]) -> None:
    """Make sure that sizes on the ground can be told, if the options need any.

    Args:
        options: with or without limits.
        crs: of the raster.
        transform: from its pixels, or run px, to map coordinates.
        size_xy: its width and height in these.

    Raises:
        RasterError: the CRS is missing, doesn't know the earth, or has no place for any part of the raster.
    """
    if not options.asks_for_areas:
        return
    ruler = ground_ruler(crs)
    if ruler is None:
        raise RasterError(
            "areas in square metres can't be told, as the raster has no CRS, or none that knows the earth: "
            "leave the limits of areas and holes out, or assign a CRS, e.g. with gdal_edit.py -a_srs"
        )
    if not np.isfinite(ruler.pixel_areas_m2(transform, _probes_xy(size_xy))).any():
        raise _misfit(crs)


def _probes_xy(size_xy: tuple[int, int]) -> NDArray[np.float64]:
    """(n, 2) places all over a raster."""
    along = (np.arange(N_PROBES) + 0.5) / N_PROBES
    return np.stack(np.meshgrid(along * size_xy[0], along * size_xy[1]), axis=-1).reshape(-1, 2)


def _misfit(crs: CRS | None) -> RasterError:
    return RasterError(
        f"areas in square metres can't be told, as the raster's coordinates don't fit its CRS ({crs}): assign the CRS "
        "that they are in, e.g. with gdal_edit.py -a_srs, or leave the limits of areas and holes out"
    )
