"""A mask, made into what Label Studio shows: plain Python numbers only, so that it is JSON always."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_backend.label_studio.frame import resample_mask
from sam_backend.label_studio.output import Output
from sam_backend.label_studio.output_options import OutputOptions
from sam_backend.label_studio.region_id import new_region_id
from sam_backend.label_studio.shapes.around import ellipse_values, rectangle_values
from sam_backend.label_studio.shapes.outline import polygon_values, vector_values
from sam_backend.label_studio.shapes.raster import bitmask_values, brush_values
from sam_backend.label_studio.shapes.silhouette import Silhouette
from sam_backend.label_studio.smart_prompt import SmartPrompt

_VALUES_BY_SHAPE: dict[str, Callable[[Silhouette, OutputOptions], list[dict[str, Any]]]] = {
    "polygon": polygon_values,
    "bitmask": bitmask_values,
    "brush": brush_values,
    "vector": vector_values,
    "ellipse": ellipse_values,
    "rectangle": rectangle_values,
}


def regions_of(
    mask: NDArray[np.bool_],
    predicted_iou: float,
    prompt: SmartPrompt,
    outputs: Sequence[Output],
    region_id: str | None = None,
) -> list[dict[str, Any]]:
    """Make the regions of one object, one or more for each output; none for an empty mask or too low a score.

    Args:
        mask: (h, w) in image px of the decoded picture. True = object.
        predicted_iou: the model's estimate; clipped to 0..1 as Label Studio wants a score.
        prompt: what it answers. The mask is brought to its ``original_hw``: the browser reads nothing else.
        outputs: the tags to answer with, as ``outputs_of`` chooses them.
        region_id: id of the first region; those of the others derive from it. Label Studio replaces a region whose id
            comes again, so a refined object keeps its id and a new one needs a new one, which None gives.
    """
    height, width = prompt.original_hw or mask.shape
    silhouette = Silhouette(resample_mask(mask, (height, width)))
    if not silhouette.mask.any():
        return []
    first_id = region_id or new_region_id()
    its_score = score(predicted_iou)
    return [
        {
            "id": its_id,
            "from_name": output.control.name,
            "to_name": prompt.to_name,
            "type": output.control.tag,
            "original_width": width,
            "original_height": height,
            "image_rotation": prompt.image_rotation,
            "value": value,
            "score": its_score,
            "readonly": False,
            "origin": "prediction",
            **({} if prompt.item_index is None else {"item_index": prompt.item_index}),
        }
        for its_id, output, value in _values(silhouette, outputs, first_id)
        if its_score >= output.options.score_threshold
    ]


def score(predicted_iou: float) -> float:
    """Clip a predicted IoU to the 0..1 of a Label Studio score; not a number becomes 0."""
    return min(1.0, max(0.0, float(predicted_iou))) if math.isfinite(predicted_iou) else 0.0


def task_result(regions: Sequence[dict[str, Any]], model_version: str) -> dict[str, Any]:
    """Make one entry of ``results``: the regions of one task and the mean of their scores."""
    scores = [region["score"] for region in regions]
    mean = sum(scores) / len(scores) if scores else 0.0
    return {"result": list(regions), "score": mean, "model_version": model_version}


NOTHING: dict[str, Any] = {"result": []}
"""The entry for prompts that name no object: Label Studio clears its suggestions and says nothing."""


def _values(
    silhouette: Silhouette, outputs: Sequence[Output], first_id: str
) -> Iterator[tuple[str, Output, dict[str, Any]]]:
    """Id, output and value of each region; the value's labels are in it.

    Ids tell output and part apart, so that after a refinement a rectangle takes the place of the rectangle.
    """
    for n_output, output in enumerate(outputs):
        labels = {} if output.label is None else {output.control.tag: [output.label]}
        for n_part, value in enumerate(_VALUES_BY_SHAPE[output.shape](silhouette, output.options)):
            its_id = f"{first_id}-{n_output}-{n_part}" if n_output or n_part else first_id
            yield its_id, output, value | labels
