"""Masks and their predicted IoU from an image embedding and prompt tokens (paper appendix A)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.layers import LayerNorm2d, Mlp
from sam_backend.model.prompt_encoder import EncodedPrompts
from sam_backend.model.two_way_transformer import TwoWayTransformer

N_MASK_TOKENS = 4
"""The single mask, then whole, part and sub-part."""


class MaskDecoder(nn.Module):
    """Decodes prompts to masks. Module names are those of the official weights."""

    def __init__(
        self, width: int, depth: int = 2, mlp_width: int = 2048, iou_head_width: int = 256, refines_detail: bool = False
    ) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(width, depth, mlp_width)
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(N_MASK_TOKENS, width)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(width, width // 4, kernel_size=2, stride=2),
            LayerNorm2d(width // 4),
            nn.GELU(),
            nn.ConvTranspose2d(width // 4, width // 8, kernel_size=2, stride=2),
            nn.GELU(),
        )
        # Lets neighbours at the finest step agree; the official networks have none.
        self.refine_detail = nn.Conv2d(width // 8, width // 8, kernel_size=3, padding=1) if refines_detail else None
        self.output_hypernetworks_mlps = nn.ModuleList(
            Mlp((width, width, width, width // 8)) for _ in range(N_MASK_TOKENS)
        )
        self.iou_prediction_head = Mlp((width, iou_head_width, iou_head_width, N_MASK_TOKENS))

    def forward(
        self, features: ImageFeatures, image_position: Tensor, prompts: EncodedPrompts, multimask: bool
    ) -> tuple[Tensor, Tensor]:
        """Decode a batch of prompts on one picture.

        Args:
            features: of one picture (batch size 1).
            image_position: (1, c, g, g) of the same cells, from `PromptEncoder.grid_position`.
            prompts: of a batch of b.
            multimask: three masks (whole, part, sub-part in no fixed order) or the single one.

        Returns:
            Logits (b, 3 or 1, 4g, 4g) and predicted IoU (b, 3 or 1).
        """
        tokens, image = self._attend(features.coarse, image_position, prompts.tokens, prompts.dense)
        chosen = slice(1, None) if multimask else slice(0, 1)
        iou: Tensor = self.iou_prediction_head(tokens[:, 0])[:, chosen]
        mask_tokens = tokens[:, 1 : 1 + N_MASK_TOKENS].unbind(dim=1)[chosen]
        mlps = self.output_hypernetworks_mlps[chosen]
        kernels = torch.stack([mlp(token) for mlp, token in zip(mlps, mask_tokens, strict=True)], dim=1)
        return torch.einsum("bmc,bchw->bmhw", kernels, self._upscale(image, features.fine, prompts.detail)), iou

    def _attend(self, coarse: Tensor, image_position: Tensor, tokens: Tensor, dense: Tensor) -> tuple[Tensor, Tensor]:
        batch, grid_hw = tokens.shape[0], coarse.shape[-2:]
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight]).expand(batch, -1, -1)
        image = (coarse + dense).expand(batch, -1, -1, -1).flatten(2).transpose(1, 2)
        position = image_position.flatten(2).transpose(1, 2)
        tokens, image = self.transformer(torch.cat([own, tokens], dim=1), image, position)
        return tokens, image.transpose(1, 2).unflatten(-1, grid_hw)

    def _upscale(self, image: Tensor, fine: tuple[Tensor, ...], detail: Tensor | None) -> Tensor:
        """(b, c, g, g) to (b, c/8, 4g, 4g); what there is of finer features joins before each activation."""
        first, norm, activate, second, activate_last = self.output_upscaling
        twice, four_times = fine if fine else (0.0, 0.0)
        if detail is not None:
            four_times = four_times + detail
        upscaled: Tensor = activate_last(second(activate(norm(first(image) + twice))) + four_times)
        if self.refine_detail is not None:
            upscaled = upscaled + activate_last(self.refine_detail(upscaled))
        return upscaled
