from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from small_networks import new_network
from torch import Tensor

from sam_backend.errors import CheckpointError
from sam_backend.model.vit import VitConfig, VitImageEncoder
from sam_backend.training.mae import start_from_mae

WIDTH, DEPTH = 32, 3


def mae_state(width: int = WIDTH, depth: int = DEPTH, patch_px: int = 16, grid: int = 14) -> dict[str, Tensor]:
    """Random weights in the layout of ``mae_pretrain_vit_*.pth``."""
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, 1 + grid * grid, width),
        "patch_embed.proj.weight": (width, 3, patch_px, patch_px),
        "patch_embed.proj.bias": (width,),
        "norm.weight": (width,),
        "norm.bias": (width,),
    }
    for index in range(depth):
        matrices = {
            "attn.qkv": (3 * width, width),
            "attn.proj": (width, width),
            "mlp.fc1": (4 * width, width),
            "mlp.fc2": (width, 4 * width),
        }
        for name, shape in matrices.items():
            shapes |= {f"blocks.{index}.{name}.weight": shape, f"blocks.{index}.{name}.bias": shape[:1]}
        for name in ("norm1", "norm2"):
            shapes |= {f"blocks.{index}.{name}.weight": (width,), f"blocks.{index}.{name}.bias": (width,)}
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def new_encoder(grid_size: int = 64) -> VitImageEncoder:
    return VitImageEncoder(
        VitConfig(width=WIDTH, depth=DEPTH, n_heads=2, global_blocks=(1,), grid_size=grid_size, out_width=16)
    )


def saved(content: object, tmp_path: Path) -> Path:
    torch.save(content, tmp_path / "mae.pth")
    return tmp_path / "mae.pth"


def test_an_official_file_becomes_the_encoder(tmp_path: Path) -> None:
    encoder, state = new_encoder(), mae_state()
    neck = encoder.neck[0].weight.clone()
    start = start_from_mae(encoder, saved({"model": state}, tmp_path))
    ours = encoder.state_dict()
    for index in range(DEPTH):
        for theirs, name in (
            ("attn.qkv", "attn.qkv"),
            ("norm2", "norm2"),
            ("mlp.fc1", "mlp.lin1"),
            ("mlp.fc2", "mlp.lin2"),
        ):
            for kind in ("weight", "bias"):
                assert torch.equal(ours[f"blocks.{index}.{name}.{kind}"], state[f"blocks.{index}.{theirs}.{kind}"])
        assert not ours[f"blocks.{index}.attn.rel_pos_h"].any()
    assert torch.equal(ours["patch_embed.proj.weight"], state["patch_embed.proj.weight"])
    assert torch.equal(ours["neck.0.weight"], neck)
    assert set(start.taken) | set(start.as_before) == set(ours)
    assert set(start.left_over) == {"cls_token", "norm.weight", "norm.bias"}
    assert start.interpolated == ("pos_embed",)
    assert len(start.as_before) == 2 * DEPTH + 6


def test_positions_keep_their_places(tmp_path: Path) -> None:
    """A ramp across the picture stays a ramp, each axis by itself; the class token isn't in it."""
    state = mae_state()
    ramp = (torch.arange(14) + 0.5) / 14
    grid = torch.zeros(14, 14, WIDTH)
    grid[..., 0], grid[..., 1] = ramp[:, None], ramp
    state["pos_embed"] = torch.cat([torch.full((1, 1, WIDTH), 1e6), grid.view(1, 196, WIDTH)], dim=1)
    encoder = new_encoder()
    start_from_mae(encoder, saved({"model": state}, tmp_path))
    inner = slice(8, 56)  # bicubic needs two neighbours on either side, and bends a ramp by a twentieth of a cell
    wanted = ((torch.arange(64) + 0.5) / 64)[inner]
    torch.testing.assert_close(encoder.pos_embed[0, inner, 0, 0], wanted, atol=4e-3, rtol=0)
    torch.testing.assert_close(encoder.pos_embed[0, 0, inner, 1], wanted, atol=4e-3, rtol=0)


def test_positions_of_the_same_grid_are_taken_as_they_are(tmp_path: Path) -> None:
    encoder, state = new_encoder(grid_size=14), mae_state()
    start = start_from_mae(encoder, saved(state, tmp_path))  # bare weights
    assert torch.equal(encoder.pos_embed.view(1, 196, WIDTH), state["pos_embed"][:, 1:])
    assert start.interpolated == ()


def test_filters_of_fourteen_px_are_interpolated(tmp_path: Path) -> None:
    """The ViT-H of MAE has patches of 14 px."""
    state = mae_state(patch_px=14, grid=16)
    state["patch_embed.proj.weight"] = torch.ones(WIDTH, 3, 14, 14)
    encoder = new_encoder()
    start = start_from_mae(encoder, saved({"model": state}, tmp_path))
    torch.testing.assert_close(encoder.patch_embed.proj.weight.detach(), torch.ones(WIDTH, 3, 16, 16))
    assert start.interpolated == ("patch_embed.proj.weight", "pos_embed")


def test_the_report_says_what_was_taken_and_what_was_not(tmp_path: Path) -> None:
    state = {**mae_state(), "mask_token": torch.zeros(1), "decoder_pred.bias": torch.zeros(1)}
    assert str(start_from_mae(new_encoder(), saved({"model": state}, tmp_path))) == (
        "took 39 weights of a masked autoencoder (interpolated: pos_embed); 12 stay as they were"
        " (relative positions, neck); 5 of the file have no place here (cls_token, norm.weight, norm.bias ...)"
    )


Change = Callable[[dict[str, Tensor]], object]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: [1], "holds no table of weights"),
        (lambda s: {"model": {"epoch": 3}}, "holds no table of weights"),
        (
            lambda s: {k: v for k, v in s.items() if k != "cls_token"},
            r"mae\.pth is no masked .* \(cls_token is missing",
        ),
        (lambda s: mae_state(width=64), "a ViT of width 64 and 3 blocks, and this network's has width 32 and 3 blocks"),
        (lambda s: mae_state(depth=2), "a ViT of width 32 and 2 blocks"),
        (lambda s: {**s, "pos_embed": torch.zeros(1, 196, WIDTH)}, r"positions of shape \(1, 196, 32\)"),
        (lambda s: {**s, "pos_embed": torch.zeros(WIDTH)}, r"positions of shape \(32,\)"),
        (lambda s: {**s, "blocks.1.mlp.fc1.bias": torch.zeros(5)}, r"doesn't fit this encoder at blocks\.1\.mlp\.lin1"),
        (lambda s: {k: v for k, v in s.items() if k != "blocks.1.mlp.fc2.bias"}, r"at blocks\.1\.mlp\.lin2\.bias"),
        (lambda s: {k: v for k, v in s.items() if k != "patch_embed.proj.bias"}, "patch_embed.proj.bias is missing"),
        (lambda s: {**s, "patch_embed.proj.weight": torch.zeros(WIDTH, 3)}, r"at patch_embed\.proj\.weight"),
    ],
    ids=["list", "no-tensors", "no-class", "width", "depth", "no-square", "1-d", "shape", "short", "no-bias", "2-d"],
)
def test_a_wrong_file_is_one_sentence_and_changes_nothing(change: Change, message: str, tmp_path: Path) -> None:
    encoder = new_encoder(grid_size=8)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    with pytest.raises(CheckpointError, match=message):
        start_from_mae(encoder, saved(change(mae_state()), tmp_path))
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


def test_a_file_that_is_no_weights_is_named(tmp_path: Path) -> None:
    (tmp_path / "mae.pth").write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match=r"mae\.pth can't be read as weights"):
        start_from_mae(new_encoder(grid_size=8), tmp_path / "mae.pth")
    with pytest.raises(CheckpointError, match="No such file"):
        start_from_mae(new_encoder(grid_size=8), tmp_path / "other.pth")


def test_a_convolutional_encoder_cannot_start_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="can only start a ViT, and this network's encoder is a ConvImageEncoder"):
        start_from_mae(new_network("conv").image_encoder, saved(mae_state(), tmp_path))
