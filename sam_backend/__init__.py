"""Segment Anything where people work.

from sam_backend import Prompts, load_sam

predictor = load_sam("embedded")
embedding = predictor.embed(image)                                  # once per picture
answer = predictor.segment(embedding, Prompts.of(points=[(120, 80, True)]))
mask = answer.masks[answer.best]                                    # (h, w) bool
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from sam_backend.types import MaskPrediction, Polygon, Prompts

if TYPE_CHECKING:
    from sam_backend.predict.embedding import Embedding
    from sam_backend.predict.predictor import Predictor, load_sam

__version__ = "0.1.0"
__all__ = ["Embedding", "MaskPrediction", "Polygon", "Predictor", "Prompts", "load_sam"]

_NEEDS_TORCH = {
    "Embedding": "sam_backend.predict.embedding",
    "Predictor": "sam_backend.predict.predictor",
    "load_sam": "sam_backend.predict.predictor",
}


def __getattr__(name: str) -> object:
    # Lazily, so that mask codecs and types can be had without PyTorch.
    if name not in _NEEDS_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_NEEDS_TORCH[name]), name)
