"""Ours against a second implementation, `transformers`' SamModel, at the size of ViT-B, on the same seeded weights."""

import re

import pytest
import torch
from torch import Tensor
from transformers import SamConfig as TheirConfig
from transformers import SamModel as TheirModel

from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.sam import Sam
from sam_backend.model.variants import VIT_B, infer_config

TOLERANCE = 1e-4
THEIR_NAMES = [
    (r"prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix", "shared_image_embedding.positional_embedding"),
    (r"prompt_encoder\.point_embeddings\.", "prompt_encoder.point_embed."),
    (r"prompt_encoder\.mask_downscaling\.0\.", "prompt_encoder.mask_embed.conv1."),
    (r"prompt_encoder\.mask_downscaling\.1\.", "prompt_encoder.mask_embed.layer_norm1."),
    (r"prompt_encoder\.mask_downscaling\.3\.", "prompt_encoder.mask_embed.conv2."),
    (r"prompt_encoder\.mask_downscaling\.4\.", "prompt_encoder.mask_embed.layer_norm2."),
    (r"prompt_encoder\.mask_downscaling\.6\.", "prompt_encoder.mask_embed.conv3."),
    (r"mask_decoder\.output_upscaling\.0\.", "mask_decoder.upscale_conv1."),
    (r"mask_decoder\.output_upscaling\.1\.", "mask_decoder.upscale_layer_norm."),
    (r"mask_decoder\.output_upscaling\.3\.", "mask_decoder.upscale_conv2."),
    (r"(mlps\.\d|iou_prediction_head)\.layers\.0\.", r"\1.proj_in."),
    (r"(mlps\.\d|iou_prediction_head)\.layers\.1\.", r"\1.layers.0."),
    (r"(mlps\.\d|iou_prediction_head)\.layers\.2\.", r"\1.proj_out."),
    (r"mask_decoder(.*)\.norm_?(\d|final_attn)\.", r"mask_decoder\1.layer_norm\2."),
    (r"layer_normfinal_attn", "layer_norm_final_attn"),
    (r"image_encoder\.blocks\.(\d+)\.norm(\d)\.", r"vision_encoder.layers.\1.layer_norm\2."),
    (r"image_encoder\.blocks\.", "vision_encoder.layers."),
    (r"image_encoder\.patch_embed\.proj\.", "vision_encoder.patch_embed.projection."),
    (r"image_encoder\.pos_embed", "vision_encoder.pos_embed"),
    (r"image_encoder\.neck\.0\.", "vision_encoder.neck.conv1."),
    (r"image_encoder\.neck\.1\.", "vision_encoder.neck.layer_norm1."),
    (r"image_encoder\.neck\.2\.", "vision_encoder.neck.conv2."),
    (r"image_encoder\.neck\.3\.", "vision_encoder.neck.layer_norm2."),
]


def their_name(name: str) -> str:
    for pattern, replacement in THEIR_NAMES:
        name = re.sub(pattern, replacement, name)
    return name


@pytest.fixture(scope="module")
def ours() -> Sam:
    torch.manual_seed(0)
    network = Sam(VIT_B).eval().requires_grad_(False)
    for parameter in network.parameters():  # zeros and ones would hide a mistake
        parameter += 0.02 * torch.randn_like(parameter)
    return network


@pytest.fixture(scope="module")
def theirs(ours: Sam) -> TheirModel:
    config = TheirConfig()
    config.mask_decoder_config.layer_norm_eps = 1e-5  # as the official decoder has it; theirs says 1e-6
    model = TheirModel(config).eval()
    state = {their_name(name): value for name, value in ours.state_dict().items()}
    state["prompt_encoder.shared_embedding.positional_embedding"] = state["shared_image_embedding.positional_embedding"]
    model.load_state_dict(state)
    return model


@pytest.fixture(scope="module")
def rgb() -> Tensor:
    return torch.rand(1, 3, 1024, 1024, generator=torch.Generator().manual_seed(1)) * 255


@pytest.fixture(scope="module")
def their_embedding(theirs: TheirModel, ours: Sam, rgb: Tensor) -> Tensor:
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)))
    with torch.inference_mode():
        return theirs.get_image_embeddings((rgb - mean) / std)


def test_sizes_are_read_from_shapes(ours: Sam) -> None:
    config = infer_config(ours.state_dict())
    assert config.encoder.global_blocks == (2, 5, 8, 11)
    assert Sam(config).state_dict().keys() == ours.state_dict().keys()


def test_embeddings_agree(ours: Sam, rgb: Tensor, their_embedding: Tensor) -> None:
    with torch.inference_mode():
        torch.testing.assert_close(ours.encode_image(rgb).coarse, their_embedding, atol=TOLERANCE, rtol=0)


POINTS = torch.tensor([[[210.0, 330.5], [700.0, 64.0]], [[500.0, 500.0], [12.0, 1000.0]]])
LABELS = torch.tensor([[True, False], [True, True]])
BOXES = torch.tensor([[100.0, 120.0, 500.5, 640.0], [3.0, 4.0, 1000.0, 900.0]])
MASK = torch.randn(1, 1, 256, 256, generator=torch.Generator().manual_seed(2)) * 5
NO_POINTS = {"points_xy": torch.zeros(2, 0, 2), "is_foreground": torch.zeros(2, 0, dtype=torch.bool)}
PROMPTS = {
    "one point": PromptTensors(points_xy=POINTS[:, :1], is_foreground=LABELS[:, :1]),
    "points": PromptTensors(points_xy=POINTS, is_foreground=LABELS),
    "box": PromptTensors(box_xyxy=BOXES, **NO_POINTS),
    "box and points": PromptTensors(points_xy=POINTS, is_foreground=LABELS, box_xyxy=BOXES),
    "points and mask": PromptTensors(points_xy=POINTS, is_foreground=LABELS, mask_logits=MASK),
}


@pytest.mark.parametrize("multimask", [True, False], ids=["three masks", "single mask"])
@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS.keys())
def test_masks_agree(
    prompts: PromptTensors, multimask: bool, ours: Sam, theirs: TheirModel, their_embedding: Tensor
) -> None:
    has_points = prompts.points_xy.shape[1] > 0
    with torch.inference_mode():
        logits, iou = ours.decode(ImageFeatures(coarse=their_embedding), prompts, multimask)
        answer = theirs(
            image_embeddings=their_embedding,
            input_points=prompts.points_xy[None] if has_points else None,
            input_labels=prompts.is_foreground[None].long() if has_points else None,
            input_boxes=None if prompts.box_xyxy is None else prompts.box_xyxy[None],
            input_masks=prompts.mask_logits,
            multimask_output=multimask,
        )
    torch.testing.assert_close(logits, answer.pred_masks[0], atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(iou, answer.iou_scores[0], atol=TOLERANCE, rtol=0)
