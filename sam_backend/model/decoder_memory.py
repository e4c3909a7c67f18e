"""What passes between a picture, its prompts and the two halves of the mask decoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sam_backend.model.cells import Strips
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

    cells: Strips
    """(b, g * g, c): the picture after it has looked at the prompts."""

    detail: Tensor | None = None
    """(b, c/8, 4g, 4g): see `EncodedPrompts`."""

    def only(self, keep: Tensor) -> tuple[DecodedPrompts, Tensor]:
        """The prompts of which some mask is kept, with as few masks as hold those that are.

        Args:
            keep: (b, m) bool.

        Returns:
            The prompts, each with its kept masks in front, and which of their masks these are (bool, alike in shape to
            their ``iou``). Prompt by prompt, the kept masks stay in their order.
        """
        has_some = keep.any(dim=1)
        wanted = slice(None) if has_some.all() else has_some  # which would copy the picture
        keep = keep[wanted]
        n_most = int(keep.sum(dim=1).max()) if len(keep) else 0
        order = keep.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, :n_most]
        kernels = self.kernels[wanted].gather(1, order[..., None].expand(-1, -1, self.kernels.shape[2]))
        detail = None if self.detail is None else self.detail[wanted]
        cells = tuple(strip[wanted] for strip in self.cells)
        some = DecodedPrompts(self.iou[wanted].gather(1, order), kernels, cells, detail)
        return some, keep.gather(1, order)
