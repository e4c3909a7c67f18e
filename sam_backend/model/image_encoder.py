"""What every image encoder gives, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, slots=True, eq=False)
class ImageFeatures:
    """A picture as the mask decoder sees it."""

    coarse: Tensor
    """(b, c, g, g): the image embedding; one cell covers ``image_size / g`` model px."""

    fine: tuple[Tensor, ...] = ()
    """Empty for the official networks. Else (b, c/4, 2g, 2g) and (b, c/8, 4g, 4g): detail that the decoder adds
    while it upsamples, as in SAM 2 (arXiv 2408.00714, section 4)."""


class ImageEncoder(nn.Module):
    """Turns normalised pixels into features. A subclass says its input size and the size of its embedding."""

    image_size: int
    """Side of the square input, in model px."""

    grid_size: int
    """Side of the embedding, in cells."""

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Encode (b, 3, image_size, image_size) normalised pixels."""
        raise NotImplementedError
