"""What a click gets: masks as COCO RLE, as ``segment -o .json`` writes them, and what refines them."""

from __future__ import annotations

from typing import Any

from sam_backend.masks.rle_coco import area_px, bbox_xywh, encode_coco_rle
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.predictor import Predictor
from sam_backend.service.try_page.low_res_png import encode_low_res
from sam_backend.service.try_page.mask_request import is_ambiguous
from sam_backend.types import MaskPrediction, Prompts


def answer_masks(predictor: Predictor, embedding: Embedding, prompts: Prompts) -> dict[str, Any]:
    """The three readings of the prompts; before them, unless a single click leaves it open, the one that is meant.

    Returns:
        ``masks``, and ``best``, the index of the one to show first.

    Raises:
        PromptError: a prompt lies outside the picture, or the previous mask is of another model.
    """
    readings = predictor.segment(embedding, prompts, multimask=True)
    if is_ambiguous(prompts):
        return {"masks": _masks(readings, "reading"), "best": readings.best}
    meant = predictor.segment(embedding, prompts, multimask=False)
    return {"masks": _masks(meant, "refined") + _masks(readings, "reading"), "best": 0}


def _masks(prediction: MaskPrediction, kind: str) -> list[dict[str, Any]]:
    rles = [encode_coco_rle(mask) for mask in prediction.masks]
    return [
        {
            "kind": kind,
            "segmentation": rle,
            "area": area_px(rle),
            "bbox": bbox_xywh(rle),
            "predicted_iou": float(iou),
            "low_res": encode_low_res(logits),
        }
        for rle, iou, logits in zip(rles, prediction.predicted_iou, prediction.low_res_logits, strict=True)
    ]
