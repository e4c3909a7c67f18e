"""The networks people know by name, and the reading of a network's sizes from the shapes of its weights."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from torch import Tensor

from sam_backend.errors import CheckpointError
from sam_backend.model.conv_encoder import ConvConfig
from sam_backend.model.sam import SamConfig
from sam_backend.model.tiny_vit import TinyVitConfig
from sam_backend.model.vit import VitConfig

VIT_B = SamConfig(VitConfig(width=768, depth=12, n_heads=12, global_blocks=(2, 5, 8, 11)))
VIT_L = SamConfig(VitConfig(width=1024, depth=24, n_heads=16, global_blocks=(5, 11, 17, 23)))
VIT_H = SamConfig(VitConfig(width=1280, depth=32, n_heads=16, global_blocks=(7, 15, 23, 31)))
MOBILE = SamConfig(
    TinyVitConfig(widths=(64, 128, 160, 320), depths=(2, 2, 6, 2), n_heads=(4, 5, 10), window_sizes=(7, 14, 7))
)
EMBEDDED = SamConfig(
    ConvConfig(image_size=1024, widths=(48, 96, 160, 224), depths=(2, 2, 4, 3), out_width=128),
    decoder_mlp_width=512,
    iou_head_width=128,
    mask_width=64,
    draws_prompts=True,
)

StateDict = Mapping[str, Tensor]


def infer_config(state: StateDict) -> SamConfig:
    """Read the sizes of a network from the shapes of its weights.

    Raises:
        CheckpointError: a weight that tells a size is missing.
    """
    encoder = _encoder_config(state)
    return SamConfig(
        encoder=encoder,
        decoder_depth=_count(state, r"mask_decoder\.transformer\.layers\.(\d+)\."),
        decoder_mlp_width=_shape(state, "mask_decoder.transformer.layers.0.mlp.lin1.weight", n_dims=2)[0],
        iou_head_width=_shape(state, "mask_decoder.iou_prediction_head.layers.0.weight", n_dims=2)[0],
        mask_width=_shape(state, "prompt_encoder.mask_downscaling.3.weight", n_dims=4)[0],
        draws_prompts="prompt_encoder.map_detail.weight" in state,
    )


def _encoder_config(state: StateDict) -> VitConfig | TinyVitConfig | ConvConfig:
    if "image_encoder.pos_embed" in state:
        return _vit_config(state)
    if "image_encoder.patch_embed.seq.0.c.weight" in state:
        return _tiny_vit_config(state)
    return _conv_config(state)


def _vit_config(state: StateDict) -> VitConfig:
    _, grid_size, _, width = _shape(state, "image_encoder.pos_embed", n_dims=4)
    depth = _count(state, r"image_encoder\.blocks\.(\d+)\.")
    tables = [_shape(state, f"image_encoder.blocks.{index}.attn.rel_pos_h", n_dims=2) for index in range(depth)]
    sides = [(n_distances + 1) // 2 for n_distances, _ in tables]
    windowed = [side for side in sides if side != grid_size]
    return VitConfig(
        width=width,
        depth=depth,
        n_heads=width // tables[0][1],
        global_blocks=tuple(index for index, side in enumerate(sides) if side == grid_size),
        grid_size=grid_size,
        patch_size_px=_shape(state, "image_encoder.patch_embed.proj.weight", n_dims=4)[-1],
        window_size=windowed[0] if windowed else grid_size,
        mlp_width=_shape(state, "image_encoder.blocks.0.mlp.lin1.weight", n_dims=2)[0],
        out_width=_shape(state, "image_encoder.neck.0.weight", n_dims=4)[0],
    )


def _tiny_vit_config(state: StateDict) -> TinyVitConfig:
    stem_width = _shape(state, "image_encoder.patch_embed.seq.2.c.weight", n_dims=4)[0]
    merges = [f"image_encoder.layers.{stage}.downsample.conv3.c.weight" for stage in range(3)]
    widths = [stem_width, *(_shape(state, name, n_dims=4)[0] for name in merges)]
    depths = [_count(state, rf"image_encoder\.layers\.{stage}\.blocks\.(\d+)\.") for stage in range(4)]
    biases = [f"image_encoder.layers.{stage}.blocks.0.attn.attention_biases" for stage in (1, 2, 3)]
    n_heads, n_distances = zip(*(_shape(state, name, n_dims=2) for name in biases), strict=True)
    for name, n, width in zip(biases, n_heads, widths[1:], strict=True):
        if width % n:
            raise CheckpointError(f"the weight {name} has {n} heads for a width of {width}: this is another network")
    return TinyVitConfig(
        widths=(widths[0], widths[1], widths[2], widths[3]),
        depths=(depths[0], depths[1], depths[2], depths[3]),
        n_heads=n_heads,
        window_sizes=(math.isqrt(n_distances[0]), math.isqrt(n_distances[1]), math.isqrt(n_distances[2])),
        out_width=_shape(state, "image_encoder.neck.0.weight", n_dims=4)[0],
    )


def _conv_config(state: StateDict) -> ConvConfig:
    widths = [_shape(state, f"image_encoder.neck.lateral.{index}.weight", n_dims=4)[1] for index in range(4)]
    # Each residual block has one norm, so counting norms counts blocks.
    depths = [len(_matches(state, rf"image_encoder\.stages\.{index}\.\d+\.norm\.weight$")) for index in range(4)]
    return ConvConfig(
        image_size=_input_size(state),
        widths=(widths[0], widths[1], widths[2], widths[3]),
        depths=(depths[0], depths[1], depths[2], depths[3]),
        out_width=_shape(state, "image_encoder.neck.embed.0.weight", n_dims=4)[0],
    )


def _input_size(state: StateDict) -> int:
    size = _weight(state, "image_encoder.input_size")
    if size.numel() != 1 or size.is_floating_point() or int(size) < 32 or int(size) % 32:
        raise CheckpointError("the weight image_encoder.input_size is no multiple of 32: this is another network")
    return int(size)


def _shape(state: StateDict, name: str, n_dims: int) -> tuple[int, ...]:
    shape = tuple(_weight(state, name).shape)
    if len(shape) != n_dims or 0 in shape:
        raise CheckpointError(f"the weight {name} has the shape {shape}, not {n_dims} sizes: this is another network")
    return shape


def _weight(state: StateDict, name: str) -> Tensor:
    if name not in state:
        raise CheckpointError(f"the weight {name} is missing: this is not a whole SAM checkpoint")
    return state[name]


def _matches(state: StateDict, pattern: str) -> list[re.Match[str]]:
    return [match for match in (re.match(pattern, name) for name in state) if match]


def _count(state: StateDict, pattern: str) -> int:
    indices = {int(match[1]) for match in _matches(state, pattern)}
    if not indices:
        raise CheckpointError(f"no weight is named like {pattern}: this is not a whole SAM checkpoint")
    return len(indices)
