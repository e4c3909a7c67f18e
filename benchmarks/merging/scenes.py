"""True objects to merge: the real scenes of ../shared, and generated ones that need no file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from rasterio.features import rasterize
from shapely import Polygon, box
from shapely.affinity import rotate
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from benchmarks.merging.oracle import cropped
from sam_backend.geo.tiles import PlacedMask

SCENES = ("buildings", "nested", "mosaic", "row", "roads")
SCENE_WH_PX = (3072, 2048)


def read_scene(folder: Path, name: str) -> list[PlacedMask]:
    """The objects of one real scene as masks, clipped to the raster."""
    features = json.loads((folder / f"{name}.geojson").read_text())["features"]
    outlines = [shape(feature["geometry"]) for feature in features]
    return drawn(outlines, SCENE_WH_PX)


def drawn(outlines: list[BaseGeometry], raster_wh_px: tuple[int, int]) -> list[PlacedMask]:
    """Masks of outlines in raster pixels, clipped to the raster; what covers no pixel's centre is left out."""
    raster = box(0, 0, *raster_wh_px)
    masks = [_mask(outline.intersection(raster)) for outline in outlines if outline.intersects(raster)]
    return [placed for placed in masks if placed.mask.any()]


def _mask(outline: BaseGeometry) -> PlacedMask:
    left, top = (int(low) for low in np.floor(outline.bounds[:2]))
    right, bottom = (int(high) for high in np.ceil(outline.bounds[2:]))
    hw = max(1, bottom - top), max(1, right - left)
    return cropped(PlacedMask(left, top, rasterize([outline], hw, transform=(1, 0, left, 0, 1, top)).astype(np.bool_)))


def generated_scene(
    name: str, raster_wh_px: tuple[int, int], pitch_px: int, chance: np.random.Generator
) -> list[PlacedMask]:
    """Small copies in spirit of the real scenes, on plots of a pitch.

    Args:
        name: "buildings" (apart), "mosaic" (touching plots), "nested" (buildings on plots) or "roads" (buildings, and a
            road each way across the raster).
        raster_wh_px: width and height.
        pitch_px: side of a plot.
        chance: where sizes and turns come from.
    """
    w, h = raster_wh_px
    plots = [box(x, y, x + pitch_px, y + pitch_px) for y in range(0, h, pitch_px) for x in range(0, w, pitch_px)]
    buildings = [_building(plot, pitch_px, chance) for plot in plots]
    roads = [Polygon([(0, h // 3), (w, h // 2), (w, h // 2 + 12), (0, h // 3 + 12)]), box(w // 2, 0, w // 2 + 11, h)]
    outlines = {
        "buildings": buildings,
        "mosaic": plots,
        "nested": plots + buildings,
        "roads": roads + buildings,
    }[name]
    return drawn(outlines, raster_wh_px)


def _building(plot: Polygon, pitch_px: int, chance: np.random.Generator) -> Polygon:
    x, y = plot.centroid.coords[0]
    half_w, half_h = chance.uniform(0.2, 0.3, 2) * pitch_px
    return rotate(box(x - half_w, y - half_h, x + half_w, y + half_h), chance.uniform(0, 90))
