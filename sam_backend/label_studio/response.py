"""A mask, made into what Label Studio shows: plain Python numbers only, so that it is JSON without surprises."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_backend.label_studio.frame import resample_mask
from sam_backend.label_studio.labeling_config import Control
from sam_backend.label_studio.smart_prompt import SmartPrompt
from sam_backend.masks.rle_brush import encode_brush_rle


def brush_region(
    mask: NDArray[np.bool_],
    predicted_iou: float,
    prompt: SmartPrompt,
    output: Control,
    region_id: str | None = None,
) -> dict[str, Any]:
    """Make the region of one mask, drawn by ``output`` with the prompt's label.

    Args:
        mask: (h, w) in image px of the decoded picture. True = object.
        predicted_iou: the model's estimate; clipped to 0..1 as Label Studio wants a score.
        prompt: what it answers. The mask is brought to its ``original_hw``: the browser reads nothing else.
        output: a ``<BrushLabels>`` or ``<Brush>`` tag.
        region_id: of the region it replaces. Label Studio puts a region whose id comes again in the old one's place.
    """
    height, width = prompt.original_hw or mask.shape
    value: dict[str, Any] = {"format": "rle", "rle": encode_brush_rle(resample_mask(mask, (height, width)))}
    if output.tag == "brushlabels":
        value["brushlabels"] = [prompt.label]
    region: dict[str, Any] = {
        "id": region_id or uuid.uuid4().hex,  # in full: a short one would meet another's sooner or later
        "from_name": output.name,
        "to_name": prompt.to_name,
        "type": output.tag,
        "original_width": width,
        "original_height": height,
        "image_rotation": prompt.image_rotation,
        "value": value,
        "score": score(predicted_iou),
        "readonly": False,
        "origin": "prediction",
    }
    if prompt.item_index is not None:
        region["item_index"] = prompt.item_index
    return region


def score(predicted_iou: float) -> float:
    """Clip a predicted IoU to the 0..1 of a Label Studio score; not a number becomes 0."""
    return min(1.0, max(0.0, float(predicted_iou))) if math.isfinite(predicted_iou) else 0.0


def task_result(regions: Sequence[dict[str, Any]], model_version: str) -> dict[str, Any]:
    """Make one entry of ``results``: the regions of one task and the mean of their scores."""
    mean = sum(region["score"] for region in regions) / len(regions) if regions else 0.0
    return {"result": list(regions), "score": mean, "model_version": model_version}


NOTHING: dict[str, Any] = {"result": []}
"""The entry for prompts that name no object: Label Studio clears its suggestions and says nothing."""
