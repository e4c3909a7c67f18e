"""Clicks that are heeded: where somebody said "this" there is mask, and where somebody said "not this" there is none.

The network weighs a click against the mask it starts from, and may answer a click with the very mask that it was meant
to change. To the person that looks as if nothing had happened.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.embedding import Embedding
from sam_backend.predict.predictor import Predictor
from sam_backend.types import MaskPrediction, Prompts


def heeding(predictor: Predictor, embedding: Embedding, prompts: Prompts, first: MaskPrediction) -> MaskPrediction:
    """The first answer, or, if it contradicts a click, the reading that contradicts the fewest.

    Read again are the three masks from the mask prompt and the three without one. Of those that contradict equally few,
    the one with the highest predicted IoU is taken.

    Args:
        predictor: of the first answer.
        embedding: of the picture.
        prompts: that were answered.
        first: one mask, (1, h, w).
    """
    if n_contradicted(first.masks, prompts)[0] == 0:
        return first
    afresh = replace(prompts, mask_logits=None)
    asked = [afresh] if prompts.mask_logits is None else [prompts, afresh]
    readings = [first, *(predictor.segment(embedding, one, multimask=True) for one in asked)]
    return min((_fewest_contradicted(seen, prompts) for seen in readings), key=lambda one: _rank(one, prompts)[0])


def n_contradicted(masks: NDArray[np.bool_], prompts: Prompts) -> NDArray[np.int64]:
    """How many of the clicks each mask contradicts.

    Args:
        masks: (n, h, w) in image px.
        prompts: points outside of the picture count at its edge.

    Returns:
        (n,).
    """
    height, width = masks.shape[1:]
    columns, rows = np.floor(prompts.points_xy).astype(np.int64).T
    at_clicks = masks[:, rows.clip(0, height - 1), columns.clip(0, width - 1)]
    return np.asarray((at_clicks != prompts.is_foreground).sum(axis=1), np.int64)


def _fewest_contradicted(seen: MaskPrediction, prompts: Prompts) -> MaskPrediction:
    ranks = _rank(seen, prompts)
    index = ranks.index(min(ranks))
    chosen = slice(index, index + 1)
    return MaskPrediction(seen.masks[chosen], seen.predicted_iou[chosen], seen.low_res_logits[chosen])


def _rank(seen: MaskPrediction, prompts: Prompts) -> list[tuple[int, float]]:
    """Least is best."""
    return list(zip(n_contradicted(seen.masks, prompts).tolist(), (-seen.predicted_iou).tolist(), strict=True))
