"""One object, prompted in map coordinates, from one window of a raster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import RasterError
from sam_backend.geo.frame import map_to_pixel_xy, map_to_pixel_xyxy
from sam_backend.geo.raster import RasterWindow
from sam_backend.geo.read_plan import ReadPlan, plan_reading
from sam_backend.geo.tiled_raster import TiledRaster
from sam_backend.geo.tiles import PixelRect
from sam_backend.predict.predictor import Predictor
from sam_backend.types import MaskPrediction, Prompts

WINDOW_PX = 1024


@dataclass(frozen=True, slots=True, eq=False)
class MapPrompts:
    """What the user pointed at, in the CRS of the raster."""

    points_xy: NDArray[np.float64]
    """(n, 2)."""

    is_foreground: NDArray[np.bool_]
    """(n,)."""

    box_xyxy: NDArray[np.float64] | None = None
    """(4,): two opposite corners."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowPrediction:
    """Masks in the pixels of a window, and the window."""

    prediction: MaskPrediction
    window: RasterWindow


def segment_window(
    path: Path, predictor: Predictor, prompts: MapPrompts, multimask: bool, plan: ReadPlan | None = None
) -> WindowPrediction:
    """Read the window of 1024 px around the prompts and segment it; a mask never covers pixels without data.

    Args:
        path: of the raster.
        predictor: what segments.
        prompts: in the CRS of the raster.
        multimask: three masks, or the single one; see `Predictor.segment`.
        plan: how to read; None makes one. Whoever segments often in one raster keeps it.

    Raises:
        RasterError: the raster can't be read, or the prompts lie outside it, where it has no data, or too far apart.
    """
    raster = TiledRaster(path, plan or plan_reading(path), tile_px=WINDOW_PX, overlap_px=0)
    points_xy = map_to_pixel_xy(prompts.points_xy, raster.transform)
    box_xyxy = None if prompts.box_xyxy is None else map_to_pixel_xyxy(prompts.box_xyxy, raster.transform)
    rect = _rect_around(points_xy, box_xyxy, raster)
    read = raster.read(rect)
    if not read.is_valid.any():
        raise RasterError(f"{path.name} has no data in this window: choose a place with data")
    origin_xy = np.array([rect.left_px, rect.top_px])
    in_window = Prompts(
        points_xy=(points_xy - origin_xy).astype(np.float32),
        is_foreground=prompts.is_foreground,
        box_xyxy=None if box_xyxy is None else (box_xyxy - np.tile(origin_xy, 2)).astype(np.float32),
    )
    answer = predictor.segment(predictor.embed(read.pixels), in_window, multimask)
    with_data = MaskPrediction(answer.masks & read.is_valid, answer.predicted_iou, answer.low_res_logits)
    return WindowPrediction(prediction=with_data, window=read)


def _rect_around(
    points_xy: NDArray[np.float64], box_xyxy: NDArray[np.float64] | None, raster: TiledRaster
) -> PixelRect:
    corners_xy = points_xy if box_xyxy is None else np.concatenate([points_xy, box_xyxy.reshape(2, 2)])
    low_xy, high_xy = corners_xy.min(axis=0), corners_xy.max(axis=0)
    size_xy = np.array(raster.plan.run_wh)
    if (high_xy < 0).any() or (low_xy > size_xy).any():
        bounds = ", ".join(f"{value:.10g}" for value in raster.map_bounds)
        raise RasterError(
            f"the prompts lie outside the raster, whose bounds are {bounds} in its own CRS ({raster.crs})"
        )
    low_xy, high_xy = low_xy.clip(0, size_xy), high_xy.clip(0, size_xy)
    if (high_xy - low_xy > WINDOW_PX).any():
        width, height = np.ceil(high_xy - low_xy)
        raise RasterError(f"the prompts span {width:g} x {height:g} px, more than the one window of {WINDOW_PX} px")
    window_wh = np.minimum(WINDOW_PX, size_xy)
    left_top = np.round((low_xy + high_xy) / 2 - window_wh / 2).clip(0, size_xy - window_wh).astype(int)
    left, top, right, bottom = np.concatenate([left_top, left_top + window_wh]).tolist()
    return PixelRect(left, top, right, bottom)
