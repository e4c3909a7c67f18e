"""The names that weights have in the wild, turned into those of the official files.

A layout is told by names, never by the name of the file. Shapes are alike in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

ANCHOR = "mask_decoder.iou_token.weight"
"""A weight that every network of the family has, under this name in every layout: what stands before it is a prefix."""

# transformers' SamModel; the first rule whose pattern matches renames a weight, the others leave it alone.
HUGGING_FACE_RENAMES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^vision_encoder\.layers\.(\d+)\.layer_norm(\d)\.", r"image_encoder.blocks.\1.norm\2."),
        (r"^vision_encoder\.layers\.", "image_encoder.blocks."),
        (r"^vision_encoder\.patch_embed\.projection\.", "image_encoder.patch_embed.proj."),
        (r"^vision_encoder\.neck\.conv1\.", "image_encoder.neck.0."),
        (r"^vision_encoder\.neck\.layer_norm1\.", "image_encoder.neck.1."),
        (r"^vision_encoder\.neck\.conv2\.", "image_encoder.neck.2."),
        (r"^vision_encoder\.neck\.layer_norm2\.", "image_encoder.neck.3."),
        (r"^vision_encoder\.", "image_encoder."),
        # One matrix, under either of its names or under both.
        (
            r"^(shared_image_embedding|prompt_encoder\.shared_embedding)\.positional_embedding$",
            "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
        ),
        (r"^prompt_encoder\.point_embed\.", "prompt_encoder.point_embeddings."),
        (r"^prompt_encoder\.mask_embed\.conv1\.", "prompt_encoder.mask_downscaling.0."),
        (r"^prompt_encoder\.mask_embed\.layer_norm1\.", "prompt_encoder.mask_downscaling.1."),
        (r"^prompt_encoder\.mask_embed\.conv2\.", "prompt_encoder.mask_downscaling.3."),
        (r"^prompt_encoder\.mask_embed\.layer_norm2\.", "prompt_encoder.mask_downscaling.4."),
        (r"^prompt_encoder\.mask_embed\.conv3\.", "prompt_encoder.mask_downscaling.6."),
        (r"^mask_decoder\.upscale_conv1\.", "mask_decoder.output_upscaling.0."),
        (r"^mask_decoder\.upscale_layer_norm\.", "mask_decoder.output_upscaling.1."),
        (r"^mask_decoder\.upscale_conv2\.", "mask_decoder.output_upscaling.3."),
        (r"^(mask_decoder\.transformer\..*)layer_norm(\d)\.", r"\1norm\2."),
        (r"^mask_decoder\.transformer\.layer_norm_final_attn\.", "mask_decoder.transformer.norm_final_attn."),
        (r"^(mask_decoder\.(?:output_hypernetworks_mlps\.\d|iou_prediction_head))\.proj_in\.", r"\1.layers.0."),
        (r"^(mask_decoder\.(?:output_hypernetworks_mlps\.\d|iou_prediction_head))\.layers\.0\.", r"\1.layers.1."),
        (r"^(mask_decoder\.(?:output_hypernetworks_mlps\.\d|iou_prediction_head))\.proj_out\.", r"\1.layers.2."),
    )
)

# TinyViT was made to classify: its files keep that head, some also the index that follows from a window's size.
LEFTOVERS = re.compile(r"image_encoder\.(norm_head|head)\.|image_encoder\..*\.attention_bias_idxs$")


def to_official_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename weights of any known layout to that of the official files; unknown names stay as they are."""
    named = _without_prefix(weights)
    if any(name.startswith("vision_encoder.") for name in named):
        named = {_rename_hugging_face(name): value for name, value in named.items()}
    if any(name.startswith("image_encoder.patch_embed.seq.") for name in named):
        named = {name: value for name, value in named.items() if not LEFTOVERS.match(name)}
    return named


def _without_prefix(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without ``sam.``, ``module.`` and whatever else a wrapping module put before all names."""
    prefix = min((name.removesuffix(ANCHOR) for name in weights if name.endswith("." + ANCHOR)), key=len, default="")
    return {name.removeprefix(prefix): value for name, value in weights.items()}


def _rename_hugging_face(name: str) -> str:
    for pattern, replacement in HUGGING_FACE_RENAMES:
        renamed, n_replaced = pattern.subn(replacement, name)
        if n_replaced:
            return renamed
    return name
