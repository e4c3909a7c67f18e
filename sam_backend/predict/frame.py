"""The one place that resizes and pads: between image px and model px.

Model px: the picture scaled so that its long side fills the network's square, at the square's top left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from sam_backend.errors import ImageError


@dataclass(frozen=True, slots=True)
class ImageFrame:
    """Where a picture lies in the network's square."""

    image_hw: tuple[int, int]
    """Height and width of the original picture, in image px."""

    model_size: int
    """Side of the network's square, in model px."""

    def __post_init__(self) -> None:
        """Check the size.

        Raises:
            ImageError: the picture has no pixels.
        """
        if min(self.image_hw) < 1:
            raise ImageError(f"a picture needs at least one pixel, got {self.image_hw[1]} x {self.image_hw[0]}")

    @property
    def resized_hw(self) -> tuple[int, int]:
        """Height and width of the picture inside the square, in model px."""
        scale = self.model_size / max(self.image_hw)
        height, width = (max(1, int(side * scale + 0.5)) for side in self.image_hw)
        return height, width

    def image_to_model_xy(self, xy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map (..., 2) image px to model px."""
        scale_hw = np.array(self.resized_hw) / np.array(self.image_hw)
        model_xy: NDArray[np.float32] = (xy * scale_hw[::-1]).astype(np.float32)
        return model_xy

    def image_to_model_xyxy(self, box_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map (..., 4) corners in image px to model px."""
        corners_xy = box_xyxy.reshape(*box_xyxy.shape[:-1], 2, 2)
        return self.image_to_model_xy(corners_xy).reshape(box_xyxy.shape)

    def resize_picture(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize (h, w, 3) to ``resized_hw`` exactly as the official code: bilinear with antialiasing, on 8 bits."""
        height, width = self.resized_hw
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))

    def image_to_model_coverage(self, mask: NDArray[np.bool_], cell_px: int) -> NDArray[np.float32]:
        """Shrink a mask (h, w) to the network's square in cells of ``cell_px`` model px: each cell's covered share.

        Returns:
            (model_size / cell_px, model_size / cell_px), 0..1, zero outside the picture.
        """
        height, width = (max(1, round(side / cell_px)) for side in self.resized_hw)
        image = Image.fromarray(mask.astype(np.float32))
        shrunk = np.asarray(image.resize((width, height), Image.Resampling.BOX))
        square = np.zeros((self.model_size // cell_px,) * 2, np.float32)
        square[:height, :width] = shrunk
        return square

    def low_res_to_image_logits(self, low_res_logits: Tensor) -> Tensor:
        """Upsample (n, low, low) logits of the decoder to (n, h, w) in image px; still logits, object where > 0."""
        height, width = self.resized_hw
        seen_height, seen_width = self.seen_low_res_hw(low_res_logits.shape[-1])
        seen = low_res_logits[None, :, :seen_height, :seen_width].to(torch.float32)
        scale = self.model_size / low_res_logits.shape[-1]
        square = F.interpolate(seen, scale_factor=scale, mode="bilinear", align_corners=False)[0]
        return _resize_bilinear(square[:, :height, :width], self.image_hw)

    def low_res_to_image_masks(self, low_res_logits: Tensor) -> Tensor:
        """Masks (n, h, w) in image px, True = object, of (n, low, low) logits of the decoder.

        One at a time: so only one mask of floats exists, and PyTorch is twice as fast on one channel as on three.
        """
        masks = [self.low_res_to_image_logits(one) > 0 for one in torch.split(low_res_logits, 1)]
        return torch.cat(masks)

    def seen_low_res_hw(self, low_res_size: int) -> tuple[int, int]:
        """How far the decoder's logits matter to `low_res_to_image_logits`: beyond lies only what fills the square."""
        per_px = low_res_size / self.model_size
        height, width = (
            min(low_res_size, math.floor((side - 0.5) * per_px - 0.5) + 2)  # the lower neighbour of the last px
            for side in self.resized_hw
        )
        return height, width

    def low_res_to_image_weights(self, low_res_size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """`low_res_to_image_logits` of one mask as two matrices: ``rows @ low_res_logits @ columns.T``.

        Read off the very same operations, so that they hold whatever PyTorch makes of a pixel's position.

        Returns:
            ``rows`` (h, low_res_size) and ``columns`` (w, low_res_size): none negative, three in a row at most not 0.
        """
        rows, columns = (
            _axis_weights(low_res_size, self.model_size, resized_px, image_px)
            for resized_px, image_px in zip(self.resized_hw, self.image_hw, strict=True)
        )
        return rows, columns


def _resize_bilinear(logits: Tensor, target_hw: tuple[int, int]) -> Tensor:
    return F.interpolate(logits[None].to(torch.float32), target_hw, mode="bilinear", align_corners=False)[0]


def _axis_weights(low_res_size: int, model_size: int, resized_px: int, image_px: int) -> NDArray[np.float32]:
    square = _square_weights(low_res_size, model_size)
    weights: NDArray[np.float32] = _resize_bilinear(square[:, :resized_px], (image_px, low_res_size))[0].numpy()
    return weights


@cache
def _square_weights(low_res_size: int, model_size: int) -> Tensor:
    """(1, model_size, low_res_size): the same for all pictures of a network."""
    return _resize_bilinear(torch.eye(low_res_size)[None], (model_size, low_res_size))
