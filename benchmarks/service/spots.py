"""Where to click so that a picture's embedding is all that an answer needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.predictor import Predictor
from sam_backend.predict.zoom import crop_around
from sam_backend.types import Prompts

N_SPOTS = 12
FAR_PX = 20
"""Of two clicks on different objects; the service's own limit is 1 % of the long side."""


def clear_spots_xy(predictor: Predictor, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n, 2): clicks that are answered at the first look, without a second one at a small object.

    Each is far from the last one's mask, or the service would take it for a refinement.
    """
    height, width = image.shape[:2]
    embedding = predictor.embed(image)
    random, spots, last_mask = np.random.default_rng(0), [], np.zeros((height, width), np.bool_)
    for x, y in (random.uniform(0.05, 0.95, (40 * N_SPOTS, 2)) * (width, height)).tolist():
        if last_mask[round(y) - FAR_PX : round(y) + FAR_PX, round(x) - FAR_PX : round(x) + FAR_PX].any():
            continue
        prompts = Prompts.of(points=[(x, y, True)])
        seen = predictor.segment(embedding, prompts)
        mask = seen.masks[seen.best]
        if mask.any() and crop_around(mask, prompts) is None:
            spots.append((x, y))
            last_mask = mask
        if len(spots) == N_SPOTS:
            return np.array(spots)
    raise RuntimeError("the weights answer hardly any click with a mask of some size: seed them otherwise")
