"""What is worth keeping of a picture: its features and where it lies in the network's square."""

from __future__ import annotations

from dataclasses import dataclass

from sam_backend.model.decoder_memory import DecoderMemory
from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.predict.frame import ImageFrame


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A value: make it once per picture, share it between threads, prompt it as often as you like."""

    memory: DecoderMemory
    """Of one picture: its features, and what the decoder makes of them whatever the prompt."""

    frame: ImageFrame

    model_version: str
    """The weights that made it; no others can read it."""

    encoder_version: str
    """Of its features alone; see `Predictor`."""

    @property
    def features(self) -> ImageFeatures:
        """What the image encoder gave (batch size 1)."""
        return self.memory.features

    @property
    def image_hw(self) -> tuple[int, int]:
        """Height and width of the picture, in image px."""
        return self.frame.image_hw

    @property
    def nbytes(self) -> int:
        """Memory that the picture takes."""
        return self.memory.nbytes
