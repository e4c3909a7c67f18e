"""Where the layer of old outlines that a run is prompted with lies on its raster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sam_backend.geo.alignment import UNKNOWN, Alignment, align, fit_of
from sam_backend.geo.prompt_layer import PromptKind, read_prompt_layer
from sam_backend.geo.read_plan import ReadPlan
from sam_backend.geo.run.patience import check_wanted
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.geo.tiled_raster import TiledRaster
from sam_backend.geo.tiles import PixelRect


def align_prompts(request: RunRequest, plan: ReadPlan, is_cancelled: Callable[[], bool] = lambda: False) -> Alignment:
    """Lay the outlines of a request's layer on its raster.

    Args:
        request: with prompts of polygons.
        plan: how the raster is read.
        is_cancelled: asked at each outline.

    Raises:
        CancelledError: it said so.
        LayerError: the layer can't be read or holds no outline.
        RasterError: the raster can't be read.
    """
    if request.prompts is None:
        return UNKNOWN
    raster = TiledRaster(request.raster, plan, request.tile_px, request.overlap_px)
    layer = read_prompt_layer(request.prompts, PromptKind.POLYGONS, raster.transform, raster.crs)
    whole = PixelRect(0, 0, *plan.run_wh)

    def read(rect: PixelRect) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        check_wanted(is_cancelled)
        window = raster.read(rect)
        return window.pixels, window.is_valid

    outlines = {
        prompt.feature_id: prompt.polygon
        for prompt in layer.prompts
        if prompt.polygon is not None and _lies_in(prompt.polygon.bounds, whole)
    }
    alignment = align(list(outlines.values()), read)
    if alignment.n_outlines == 0:
        return alignment
    fits = {feature_id: fit_of(outline, read, alignment.shift_xy_px) for feature_id, outline in outlines.items()}
    return replace(alignment, fits={feature_id: fit for feature_id, fit in fits.items() if fit is not None})


def _lies_in(bounds_xyxy: tuple[float, float, float, float], rect: PixelRect) -> bool:
    x0, y0, x1, y1 = bounds_xyxy
    return x0 >= rect.left_px and y0 >= rect.top_px and x1 <= rect.right_px and y1 <= rect.bottom_px
