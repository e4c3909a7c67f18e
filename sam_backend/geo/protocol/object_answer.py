"""One object in a view: prompts in map coordinates in, outlines in map coordinates out."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_backend.geo.frame import map_to_pixel_xy, map_to_pixel_xyxy
from sam_backend.geo.geojson import map_pieces
from sam_backend.geo.one_window import MapPrompts
from sam_backend.geo.protocol.requests import ObjectRequest
from sam_backend.geo.protocol.view_book import SeenView, ViewBook
from sam_backend.geo.raster import RasterWindow
from sam_backend.masks.polygons import mask_to_polygons
from sam_backend.predict.predictor import Predictor
from sam_backend.types import Prompts

_FARTHEST = 1e30
"""No map reaches there, and what lies beyond needn't be told apart: in pixels it might not fit in 32 bits."""


def answer_object(request: ObjectRequest, predictor: Predictor, views: ViewBook) -> dict[str, Any]:
    """Segment an object; a mask never covers pixels without data.

    Raises:
        PromptError: there is no prompt, or one lies outside the view.
        SamBackendError: what reading the view raises.
    """
    seen = views.see(request.view, predictor)
    started_s = time.perf_counter()
    place = (predictor.version, seen.content, request.name or "")
    last_logits = views.last_masks.get(*place) if request.refines else None
    prompts = _in_view(request.prompts, seen.window, last_logits)
    # One click may mean the whole, a part or a sub-part.
    is_ambiguous = len(prompts.points_xy) == 1 and prompts.box_xyxy is None and last_logits is None
    answer = predictor.segment(seen.embedding, prompts, multimask=is_ambiguous)
    decoded_s = time.perf_counter()
    if request.name is not None:
        views.last_masks.put(*place, answer.low_res_logits[answer.best])
    masks = [
        _mask_record(mask & seen.window.is_valid, float(score), seen)
        for mask, score in zip(answer.masks, answer.predicted_iou, strict=True)
    ]
    return {
        "masks": masks,
        "best": answer.best,
        "embed_s": round(seen.embed_s, 4),
        "read_s": round(seen.read_s, 4),
        "decode_s": round(time.perf_counter() - started_s, 4),
        "outline_s": round(time.perf_counter() - decoded_s, 4),
        "was_known": seen.was_known,
    }


def _in_view(prompts: MapPrompts, window: RasterWindow, mask_logits: NDArray[np.float32] | None) -> Prompts:
    points_xy = prompts.points_xy.clip(-_FARTHEST, _FARTHEST)
    box_xyxy = None if prompts.box_xyxy is None else prompts.box_xyxy.clip(-_FARTHEST, _FARTHEST)
    return Prompts(
        points_xy=map_to_pixel_xy(points_xy, window.transform).astype(np.float32),
        is_foreground=prompts.is_foreground,
        box_xyxy=None if box_xyxy is None else map_to_pixel_xyxy(box_xyxy, window.transform).astype(np.float32),
        mask_logits=mask_logits,
    )


def _mask_record(mask: NDArray[np.bool_], score: float, seen: SeenView) -> dict[str, Any]:
    return {
        "polygons": map_pieces(mask_to_polygons(mask), seen.window.transform),
        "score": round(score, 4),
        "area_px": int(mask.sum()),
    }
