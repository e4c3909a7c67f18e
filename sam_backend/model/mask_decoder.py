"""Masks and their predicted IoU from an image embedding and prompt tokens (paper appendix A)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sam_backend.model.decoder_memory import DecodedPrompts, DecoderMemory
from sam_backend.model.layers import LayerNorm2d, Mlp
from sam_backend.model.prompt_encoder import EncodedPrompts
from sam_backend.model.two_way_transformer import TwoWayTransformer

N_MASK_TOKENS = 4
"""The single mask, then whole, part and sub-part."""

CELLS_AT_ONCE = 1024
"""Upscaled together on a CPU, for each core: two megabytes at the finest step."""


class MaskDecoder(nn.Module):
    """Decodes prompts to masks in two halves, `attend` and `upscale`: the first tells which are worth drawing.

    Module names are those of the official weights.
    """

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

    def attend(self, memory: DecoderMemory, prompts: EncodedPrompts, multimask: bool) -> DecodedPrompts:
        """The first half: tokens and picture look at each other.

        Args:
            memory: of one picture.
            prompts: of a batch of b.
            multimask: three masks (whole, part, sub-part in no fixed order) or the single one.
        """
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight]).expand(len(prompts.tokens), -1, -1)
        tokens, cells = self.transformer(
            tokens=torch.cat([own, prompts.tokens], dim=1),
            image=as_cells(memory.features.coarse + prompts.dense),
            image_position=memory.position,
            shared=None if prompts.changes_image else memory.shared,
        )
        chosen = slice(1, None) if multimask else slice(0, 1)
        mask_tokens = tokens[:, 1 : 1 + N_MASK_TOKENS].unbind(dim=1)[chosen]
        mlps = self.output_hypernetworks_mlps[chosen]
        return DecodedPrompts(
            iou=self.iou_prediction_head(tokens[:, 0])[:, chosen],
            kernels=torch.stack([mlp(token) for mlp, token in zip(mlps, mask_tokens, strict=True)], dim=1),
            cells=cells,
            detail=prompts.detail,
        )

    def upscale(self, memory: DecoderMemory, decoded: DecodedPrompts, seen_hw: tuple[int, int] | None = None) -> Tensor:
        """The second half: draw the masks, as logits (b, m, 4g, 4g).

        On a CPU a few rows at a time, so that what lies between the cells and the logits stays in the cache. With
        ``seen_hw`` the rows and columns of logits beyond it may be left at 0.
        """
        height, width = memory.features.coarse.shape[-2:]
        finer = _finer(memory, decoded)
        strips = [torch.unflatten(strip, 1, (-1, width)) for strip in decoded.cells]
        if self.refine_detail is not None or torch.is_grad_enabled():
            return self._upscale_whole(torch.cat(strips, dim=1), finer, decoded.kernels)
        logits = decoded.kernels.new_zeros(*decoded.kernels.shape[:2], 4 * height, 4 * width)
        pairs_by_cell = _by_cell(_pairs(logits))
        seen_rows, seen_columns = (height, width) if seen_hw is None else (-(-seen // 4) for seen in seen_hw)
        doubling = self._doubling()
        for rows, cells in _few_rows(strips, seen_rows):
            seen = (cells[:, :, :seen_columns], *(part[:, rows, :seen_columns] for part in finer))
            pairs_by_cell[:, :, rows, :seen_columns] = _pairs(_multiply(decoded.kernels, doubling.pixels(*seen)))
        return logits

    def _upscale_whole(self, cells: Tensor, finer: list[Tensor], kernels: Tensor) -> Tensor:
        pixels = self._doubling().pixels(cells, *finer)
        if self.refine_detail is None:
            return _raster(_multiply(kernels, pixels))
        raster = _raster(pixels.movedim(-1, 1))
        raster = raster + self.output_upscaling[-1](self.refine_detail(raster))
        return torch.einsum("bmc,bchw->bmhw", kernels, raster)

    def _doubling(self) -> _Doubling:
        first, norm, _, second, _ = self.output_upscaling
        return _Doubling(
            *_as_product(cast(nn.ConvTranspose2d, first)),
            cast(LayerNorm2d, norm),
            *_as_product(cast(nn.ConvTranspose2d, second)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Doubling:
    """The upscaling's weights, laid out once for all strips: each 2 x 2 convolution of stride 2 as a matrix product."""

    first_weight: Tensor
    """(4 * c/4, c), and likewise of the second."""

    first_bias: Tensor
    norm: LayerNorm2d
    second_weight: Tensor
    second_bias: Tensor

    def pixels(self, cells: Tensor, twice: Tensor | None = None, four_times: Tensor | None = None) -> Tensor:
        """From (b, h, w, c) to (b, h, w, 2, 2, 2, 2, c/8).

        A pixel lies in its cell: [y, x, upper or lower half, left or right half, the same within the half, c]. So each
        doubling is one matrix product, and nothing is shuffled but the logits, which are few.
        """
        halves = torch.unflatten(F.linear(cells, self.first_weight, self.first_bias), -1, (2, 2, -1))
        halves = F.gelu(self.norm.over_last(halves if twice is None else halves + twice))
        pixels = torch.unflatten(F.linear(halves, self.second_weight, self.second_bias), -1, (2, 2, -1))
        return F.gelu(pixels if four_times is None else pixels + four_times)


def _finer(memory: DecoderMemory, decoded: DecodedPrompts) -> list[Tensor]:
    """What there is of finer features, laid out like `MaskDecoder._pixels`, to be added before each activation."""
    finer = [_cell_by_cell(part, n_doublings=n) for n, part in enumerate(memory.features.fine, start=1)]
    if decoded.detail is not None:
        finer[1] = finer[1] + _cell_by_cell(decoded.detail, n_doublings=2)
    return finer


def _few_rows(strips: list[Tensor], n_rows: int) -> Iterator[tuple[slice, Tensor]]:
    """The first rows of cells (b, h, w, c), as many at once as are to be upscaled together, and which they are."""
    top = 0
    for strip in strips:
        for cells in torch.split(strip[:, : n_rows - top], _rows_at_once(strip), dim=1):
            yield slice(top, top + cells.shape[1]), cells
            top += cells.shape[1]
        if top == n_rows:
            return


def _rows_at_once(cells: Tensor) -> int:
    """How many rows of cells (b, h, w, c) to upscale at once."""
    batch, height, width, _ = cells.shape
    if cells.device.type != "cpu":
        return height
    return max(1, CELLS_AT_ONCE * torch.get_num_threads() // max(1, batch * width))


def as_cells(image: Tensor) -> Tensor:
    """See (b, c, h, w) as (b, h * w, c)."""
    return image.flatten(2).transpose(1, 2)


def _as_product(convolution: nn.ConvTranspose2d) -> tuple[Tensor, Tensor]:
    """Weight (2 * 2 * c of the output, c of the input) and bias of a 2 x 2 transposed convolution of stride 2."""
    weight = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2).contiguous()
    return weight, cast(Tensor, convolution.bias).repeat(4)


def _cell_by_cell(image: Tensor, n_doublings: int) -> Tensor:
    """From (b, c, h, w) to (b, g, g, 2, 2, ..., c)."""
    halves = (2,) * n_doublings
    split = torch.unflatten(torch.unflatten(image, 3, (-1, *halves)), 2, (-1, *halves))  # (b, c, y, 2 ..., x, 2 ...)
    y = range(2, 3 + n_doublings)
    x = range(3 + n_doublings, 4 + 2 * n_doublings)
    return split.permute(0, *(axis for yx in zip(y, x, strict=True) for axis in yx), 1)


def _multiply(kernels: Tensor, pixels: Tensor) -> Tensor:
    """(b, m, c) by (b, ..., c) to (b, m, ...)."""
    logits = kernels @ pixels.flatten(1, -2).transpose(1, 2)
    return torch.unflatten(logits, 2, pixels.shape[1:-1])


def _raster(pixels: Tensor) -> Tensor:
    """From (b, c, g, g, 2, 2, 2, 2) to (b, c, 4g, 4g)."""
    return pixels.permute(0, 1, 2, 4, 6, 3, 5, 7).flatten(5, 7).flatten(2, 4)


def _by_cell(pairs: Tensor) -> Tensor:
    """See a raster's pairs (b, c, 4g, 2g) as (b, c, g, g, 2, 2, 2, 1)."""
    split = torch.unflatten(torch.unflatten(pairs, 3, (-1, 2, 1)), 2, (-1, 2, 2))
    return split.permute(0, 1, 2, 5, 3, 6, 4, 7)


def _pairs(logits: Tensor) -> Tensor:
    """See (..., 2 n) as (..., n): two neighbours move as one number, which PyTorch does ten times as fast as by one."""
    return logits.view({2: torch.int32, 4: torch.int64, 8: torch.complex128}[logits.itemsize])
