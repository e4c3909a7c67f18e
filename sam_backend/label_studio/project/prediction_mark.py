"""How our own predictions are told from those of others: by what stands behind the model's version."""

from __future__ import annotations

from enum import Enum
from typing import Any


class PredictionKind(Enum):
    """What a prediction was made from. No value is part of another."""

    BOXES = "boxes to masks"
    EVERYTHING = "everything"

    @property
    def mark(self) -> str:
        """What every model version of this kind ends in."""
        return f" ({self.value})"

    def marked(self, version: str) -> str:
        """The model version to store a prediction under; it is the title of its tab in the editor."""
        return version + self.mark

    def is_of(self, prediction: dict[str, Any]) -> bool:
        """Whether a stored prediction is of this kind, by whatever version of the model."""
        version = prediction.get("model_version")
        return isinstance(version, str) and version.endswith(self.mark)


def is_ours(prediction: dict[str, Any]) -> bool:
    """Whether a stored prediction is of any kind of ours."""
    return any(kind.is_of(prediction) for kind in PredictionKind)
