"""What passes between a picture, its prompts and the two halves of the mask decoder."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.streamed_cells import SharedProjections


@dataclass(frozen=True, slots=True, eq=False)
class DecoderMemory:
    """A picture as the mask decoder keeps it: a value, made once and prompted as often as you like."""

    features: ImageFeatures
    """Of one picture (batch size 1)."""

    position: Tensor
    """(1, g * g, c): where the cells lie. The same for all pictures of a network."""

    shared: SharedProjections | None
    """What the decoder's first layer makes of the picture. None while training, and where drawn prompts change it."""

    @property
    def nbytes(self) -> int:
        """Memory that this picture takes; ``position`` is counted with the network."""
        features = (self.features.coarse, *self.features.fine)
        return sum(part.nbytes for part in features) + (self.shared.nbytes if self.shared else 0)


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPrompts:
    """What is known of a batch of prompts before any mask is drawn: how good the masks will be."""

    iou: Tensor
    """(b, m): predicted IoU of m masks of each prompt."""

    kernels: Tensor
    """(b, m, c/8): a mask's logit is the product of its kernel with a pixel's features."""

    image: Tensor
    """(b, g * g, c): the picture after it has looked at the prompts."""

    detail: Tensor | None = None
    """(b, c/8, 4g, 4g): see `EncodedPrompts`."""

    def of(self, prompts: Tensor) -> DecodedPrompts:
        """Some of the prompts, by their indices or as a boolean mask (b,)."""
        detail = None if self.detail is None else self.detail[prompts]
        return DecodedPrompts(self.iou[prompts], self.kernels[prompts], self.image[prompts], detail)
