"""Weights as `transformers` saves its SamModel, loaded by ours: the same masks."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import SamConfig as TheirConfig
from transformers import SamModel as TheirModel

from sam_backend.model.checkpoint import load_network
from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.sam import Sam

TOLERANCE = 1e-4
SIZE = 96


@pytest.fixture(scope="module")
def theirs() -> TheirModel:
    torch.manual_seed(0)
    config = TheirConfig(
        vision_config={
            "hidden_size": 32,
            "output_channels": 64,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "image_size": SIZE,
            "patch_size": 8,
            "window_size": 5,
            "global_attn_indexes": [1],
            "mlp_dim": 96,
            "num_pos_feats": 32,
        },
        prompt_encoder_config={"hidden_size": 64, "image_size": SIZE, "patch_size": 8, "mask_input_channels": 8},
        mask_decoder_config={
            "hidden_size": 64,
            "mlp_dim": 40,
            "num_attention_heads": 2,  # 32 wide, as in the official decoder
            "iou_head_hidden_dim": 24,
            "layer_norm_eps": 1e-5,  # as the official decoder has it; theirs says 1e-6
        },
    )
    model = TheirModel(config).eval().requires_grad_(False)
    for parameter in model.parameters():  # zeros and ones would hide a mistake
        parameter += 0.05 * torch.randn_like(parameter)
    return model


@pytest.fixture(scope="module")
def saved(theirs: TheirModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hugging face")
    theirs.save_pretrained(folder)
    return folder / "model.safetensors"


@pytest.fixture(scope="module")
def ours(saved: Path) -> Sam:
    return load_network(str(saved)).requires_grad_(False)


def test_sizes_are_read_from_shapes(ours: Sam) -> None:
    assert ours.image_size == SIZE
    assert [block.window_size for block in ours.image_encoder.blocks] == [5, 0, 5]


BOX = torch.tensor([[10.0, 12.0, 70.5, 64.0]])
CLICKS = {"points_xy": torch.tensor([[[21.0, 33.5], [70.0, 6.0]]]), "is_foreground": torch.tensor([[True, False]])}
NO_CLICKS = {"points_xy": torch.zeros(1, 0, 2), "is_foreground": torch.zeros(1, 0, dtype=torch.bool)}
PROMPTS = {
    "clicks": PromptTensors(**CLICKS),
    "box": PromptTensors(**NO_CLICKS, box_xyxy=BOX),
    "clicks, box and mask": PromptTensors(**CLICKS, box_xyxy=BOX, mask_logits=torch.randn(1, 1, 48, 48) * 5),
}


@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS.keys())
def test_masks_agree(prompts: PromptTensors, ours: Sam, theirs: TheirModel) -> None:
    rgb = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)))
    has_clicks = prompts.points_xy.shape[1] > 0
    logits, iou = ours.decode(ours.encode_image(rgb), prompts, multimask=True)
    answer = theirs(
        pixel_values=(rgb - mean) / std,
        input_points=prompts.points_xy[None] if has_clicks else None,
        input_labels=prompts.is_foreground[None].long() if has_clicks else None,
        input_boxes=None if prompts.box_xyxy is None else prompts.box_xyxy[None],
        input_masks=prompts.mask_logits,
    )
    assert logits.std() > 100 * TOLERANCE  # or agreement would be easy
    torch.testing.assert_close(logits, answer.pred_masks[0], atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(iou, answer.iou_scores[0], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(
    "kept", ["shared_image_embedding", "prompt_encoder.shared_embedding"], ids=["image's", "prompts'"]
)
def test_the_shared_matrix_may_have_either_name(kept: str, saved: Path, ours: Sam, tmp_path: Path) -> None:
    weights = {name: value for name, value in load_file(saved).items() if "positional_embedding" not in name}
    matrix = ours.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    save_file(weights | {f"{kept}.positional_embedding": matrix}, tmp_path / "one.safetensors")
    again = load_network(str(tmp_path / "one.safetensors"))
    assert torch.equal(again.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix, matrix)


def test_wrapped_hugging_face_weights_load(theirs: TheirModel, ours: Sam, tmp_path: Path) -> None:
    weights = {f"model.sam.{name}": value for name, value in theirs.state_dict().items()}
    torch.save({"state_dict": weights}, tmp_path / "lightning.ckpt")
    again = load_network(str(tmp_path / "lightning.ckpt")).state_dict()
    assert all(torch.equal(again[name], value) for name, value in ours.state_dict().items())
