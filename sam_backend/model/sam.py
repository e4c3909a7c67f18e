"""The whole network as one module with the names of the official weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from sam_backend.model.conv_encoder import ConvConfig, ConvImageEncoder
from sam_backend.model.decoder_memory import DecodedPrompts, DecoderMemory
from sam_backend.model.image_encoder import GridWindow, ImageEncoder, ImageFeatures
from sam_backend.model.mask_decoder import MaskDecoder, as_cells
from sam_backend.model.prompt_encoder import PromptEncoder, PromptTensors
from sam_backend.model.tiny_vit import TinyVitConfig, TinyVitImageEncoder
from sam_backend.model.vit import VitConfig, VitImageEncoder

PIXEL_MEAN_RGB = (123.675, 116.28, 103.53)
PIXEL_STD_RGB = (58.395, 57.12, 57.375)


@dataclass(frozen=True, slots=True)
class SamConfig:
    """Everything needed to build a network that fits a checkpoint."""

    encoder: VitConfig | TinyVitConfig | ConvConfig
    decoder_depth: int = 2
    decoder_mlp_width: int = 2048
    iou_head_width: int = 256
    mask_width: int = 16
    draws_prompts: bool = False
    """Whether prompts are drawn as maps besides and masks refined with them; False for the official networks."""


class Sam(nn.Module):
    """Image encoder, prompt encoder and mask decoder."""

    def __init__(self, config: SamConfig) -> None:
        super().__init__()
        width = config.encoder.out_width
        self.image_encoder: ImageEncoder = _build_encoder(config.encoder)
        self.prompt_encoder = PromptEncoder(
            width=width,
            grid_size=self.image_encoder.grid_size,
            image_size=self.image_encoder.image_size,
            mask_width=config.mask_width,
            draws_prompts=config.draws_prompts,
        )
        self.mask_decoder = MaskDecoder(
            width=width,
            depth=config.decoder_depth,
            mlp_width=config.decoder_mlp_width,
            iou_head_width=config.iou_head_width,
            refines_detail=config.draws_prompts,
        )

    @property
    def image_size(self) -> int:
        """Side of the square that the network sees, in model px."""
        return self.image_encoder.image_size

    @property
    def low_res_size(self) -> int:
        """Side of the logits that the decoder gives and of a mask prompt."""
        return 4 * self.image_encoder.grid_size

    def encode_image(self, rgb: Tensor) -> ImageFeatures:
        """Encode resized pictures.

        Args:
            rgb: (b, 3, h, w), 0..255 as floats, no side longer than ``image_size``. The rest of the square is
                filled with zeros after normalisation, below and to the right.
        """
        return self.encode_window(rgb, self.image_size)

    def encode_window(self, rgb: Tensor, window_px: int, origin_xy: tuple[int, int] = (0, 0)) -> ImageFeatures:
        """Encode a part of the square by itself, as training does to learn from more pictures in the same time.

        Args:
            rgb: (b, 3, h, w), 0..255 as floats, no side longer than ``window_px``; filled up as in `encode_image`.
            window_px: side of the window; ``image_size`` unless the encoder takes windows.
            origin_xy: where in the square's grid the window is said to lie, in cells.
        """
        mean, std = (rgb.new_tensor(values).view(3, 1, 1) for values in (PIXEL_MEAN_RGB, PIXEL_STD_RGB))
        normalised = (rgb - mean) / std
        pad_right, pad_below = window_px - rgb.shape[-1], window_px - rgb.shape[-2]
        square = nn.functional.pad(normalised, (0, pad_right, 0, pad_below))
        features: ImageFeatures = self.image_encoder(square.to(self.mask_decoder.iou_token.weight.dtype))
        return replace(features, origin_xy=origin_xy)

    def decode(self, features: ImageFeatures, prompts: PromptTensors, multimask: bool) -> tuple[Tensor, Tensor]:
        """Logits (b, 3 or 1, 4 h, 4 w of the features) and predicted IoU (b, 3 or 1) for prompts on one picture.

        All in one, with gradients. To prompt a picture more than once, or to draw only the masks that are good enough,
        `remember` it and then `attend` and `upscale`.
        """
        memory = self.remember(features)
        decoded = self.attend(memory, prompts, multimask)
        return self.upscale(memory, decoded), decoded.iou

    def grid_position(self, window: GridWindow | None = None) -> Tensor:
        """Where the cells of the grid, or of a window of it, lie for the decoder: (1, cells, c)."""
        size = self.image_encoder.grid_size
        return as_cells(self.prompt_encoder.grid_position(window or GridWindow(0, 0, size, size)))

    def remember(self, features: ImageFeatures, position: Tensor | None = None) -> DecoderMemory:
        """Keep a picture for the decoder, with what its first layer makes of it for any prompt.

        Args:
            features: of one picture.
            position: the `grid_position` of their window, if it is known already.
        """
        if position is None:
            position = self.grid_position(features.window)
        if self.prompt_encoder.draws_prompts or torch.is_grad_enabled():
            return DecoderMemory(features, position, shared=None)
        by_cell = features.coarse.contiguous(memory_format=torch.channels_last)  # in memory, as the decoder reads them
        features = replace(features, coarse=by_cell)
        image = as_cells(features.coarse + self.prompt_encoder.dense_without_mask(features.window))
        return DecoderMemory(features, position, self.mask_decoder.transformer.share(image, position))

    def attend(self, memory: DecoderMemory, prompts: PromptTensors, multimask: bool) -> DecodedPrompts:
        """Decode prompts up to their predicted IoU, for three masks each or a single one; see `MaskDecoder.attend`."""
        encoded = self.prompt_encoder(prompts, memory.features.window)
        return self.mask_decoder.attend(memory, encoded, multimask)

    def upscale(self, memory: DecoderMemory, decoded: DecodedPrompts) -> Tensor:
        """Draw the masks of prompts as logits (b, m, 4 h, 4 w of the features); see `MaskDecoder.upscale`."""
        return self.mask_decoder.upscale(memory, decoded)

    def upscale_some(
        self, memory: DecoderMemory, decoded: DecodedPrompts, keep: Tensor, seen_hw: tuple[int, int]
    ) -> Tensor:
        """Draw only some masks, and spend nothing on prompts of which none is wanted.

        Args:
            memory: that the prompts were decoded with.
            decoded: b prompts of m masks.
            keep: (b, m) bool.
            seen_hw: how many rows and columns of logits matter. What lies beyond is drawn where that costs nothing
                more, and 0 elsewhere.

        Returns:
            Logits (number of True, 4 h, 4 w), prompt by prompt.
        """
        some, is_kept = decoded.only(keep)
        logits = self.mask_decoder.upscale(memory, some, seen_hw)
        return logits.flatten(0, 1) if is_kept.all() else logits[is_kept]  # which would copy them


def _build_encoder(config: VitConfig | TinyVitConfig | ConvConfig) -> ImageEncoder:
    if isinstance(config, VitConfig):
        return VitImageEncoder(config)
    return TinyVitImageEncoder(config) if isinstance(config, TinyVitConfig) else ConvImageEncoder(config)
