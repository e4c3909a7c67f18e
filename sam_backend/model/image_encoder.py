"""What every image encoder gives, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class GridWindow:
    """A part of the embedding's grid, in cells: all of it, but for the windows that training shows a network."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class ImageFeatures:
    """A picture as the mask decoder sees it."""

    coarse: Tensor
    """(b, c, g, g): the image embedding; one cell covers ``image_size / g`` model px."""

    fine: tuple[Tensor, ...] = ()
    """Empty for the official networks. Else (b, c/4, 2g, 2g) and (b, c/8, 4g, 4g): detail that the decoder adds
    while it upsamples, as in SAM 2 (arXiv 2408.00714, section 4)."""

    origin_xy: tuple[int, int] = (0, 0)
    """The cell of the network's square at which ``coarse`` begins; elsewhere than at (0, 0) in training only."""

    @property
    def window(self) -> GridWindow:
        """The cells that ``coarse`` covers."""
        height, width = self.coarse.shape[-2:]
        return GridWindow(left=self.origin_xy[0], top=self.origin_xy[1], width=width, height=height)


class ImageEncoder(nn.Module):
    """Turns normalised pixels into features. A subclass says its input size and the size of its embedding."""

    image_size: int
    """Side of the square input, in model px."""

    grid_size: int
    """Side of the embedding, in cells."""

    takes_windows: bool = False
    """Whether it encodes any part of the square by itself, as a convolutional network does."""

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Encode (b, 3, image_size, image_size) normalised pixels."""
        raise NotImplementedError
