import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sam_backend.errors import CheckpointError
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.model.tiny_vit import (
    TinyVitConfig,
    TinyVitImageEncoder,
    _Attention,
    _ConvNorm,
    _WindowBlock,
    distance_index,
)
from sam_backend.model.variants import MOBILE, infer_config

SMALL = TinyVitConfig((8, 16, 20, 24), (1, 2, 1, 2), n_heads=(2, 5, 3), window_sizes=(3, 2, 3), out_width=32)


def randomised(module: torch.nn.Module) -> torch.nn.Module:
    """With no zeros and ones left that would hide a mistake."""
    torch.manual_seed(0)
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if name.endswith("running_var") else torch.randn_like(value) / 3)
    return module.eval().requires_grad_(False)


@pytest.mark.parametrize("options", [{}, {"kernel_size": 3, "stride": 2}, {"kernel_size": 3, "groups": 6}], ids=str)
def test_the_folded_norm_equals_norm_after_convolution(options: dict[str, int]) -> None:
    layer = randomised(_ConvNorm(6, 6, **options))
    x = torch.randn(2, 6, 9, 9)
    torch.testing.assert_close(layer(x), layer.bn(layer.c(x)), atol=1e-5, rtol=1e-5)


def test_statistics_may_be_finer_than_weights() -> None:
    layer = randomised(_ConvNorm(6, 6))
    for parameter in layer.parameters():
        parameter.data = parameter.data.bfloat16()
    x = torch.randn(1, 6, 4, 4).bfloat16()
    out = layer(x)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), layer.float()(x.float()), atol=0.05, rtol=0.05)


def test_training_sees_what_inference_sees_and_leaves_the_statistics_alone() -> None:
    layer = randomised(_ConvNorm(3, 4)).requires_grad_(True)
    x = torch.randn(1, 3, 16, 16) * 5 + 2
    expected, statistics = layer(x), {name: value.clone() for name, value in layer.bn.named_buffers()}
    out = layer.train()(x)
    assert torch.equal(out, expected)
    assert all(torch.equal(value, statistics[name]) for name, value in layer.bn.named_buffers())
    out.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in layer.parameters())


@pytest.mark.parametrize("side", [1, 2, 7])
def test_biases_are_numbered_in_the_order_in_which_distances_are_met(side: int) -> None:
    """As in the published weights: cells row by row, each new (rows, columns) apart gets the next number."""
    cells = [(row, column) for row in range(side) for column in range(side)]
    numbers: dict[tuple[int, int], int] = {}
    index = [[numbers.setdefault((abs(y - ky), abs(x - kx)), len(numbers)) for ky, kx in cells] for y, x in cells]
    assert distance_index(side).tolist() == index
    assert len(numbers) == side**2


def attend_slowly(attention: _Attention, window: Tensor) -> Tensor:
    """The attention of one window (side, side, width), head by head and query by query."""
    side, _, width = window.shape
    cells = F.layer_norm(window, (width,), attention.norm.weight, attention.norm.bias).view(side * side, width)
    head_width = width // attention.n_heads
    out = torch.zeros(side * side, width)
    for head, qkv in enumerate(attention.qkv(cells).split(3 * head_width, dim=1)):
        q, k, v = qkv.split(head_width, dim=1)
        for query in range(side * side):
            y, x = divmod(query, side)
            distances = [abs(y - key // side) * side + abs(x - key % side) for key in range(side * side)]
            scores = k @ q[query] / math.sqrt(head_width) + attention.attention_biases[head, distances]
            out[query, head * head_width : (head + 1) * head_width] = scores.softmax(0) @ v
    return attention.proj(out).view(side, side, width)


def test_attention_equals_a_slow_one() -> None:
    attention = randomised(_Attention(12, n_heads=3, window_size=3))
    windows = torch.randn(2, 3, 3, 12)
    slow = torch.stack([attend_slowly(attention, window) for window in windows])
    torch.testing.assert_close(attention(windows), slow, atol=1e-5, rtol=1e-5)


def test_cells_that_fill_a_window_take_part() -> None:
    block = randomised(_WindowBlock(12, n_heads=3, window_size=3))
    x = torch.randn(1, 12, 4, 4)
    filled = F.pad(x[0].permute(1, 2, 0), (0, 0, 0, 2, 0, 2))  # (6, 6, 12)
    attended = torch.zeros(6, 6, 12)
    for top in (0, 3):
        for left in (0, 3):
            window = (slice(top, top + 3), slice(left, left + 3))
            attended[window] = attend_slowly(block.attn, filled[window])
    mixed = block.local_conv(x + attended[:4, :4].permute(2, 0, 1))
    feed = block.mlp.fc2(F.gelu(block.mlp.fc1(block.mlp.norm(mixed.permute(0, 2, 3, 1)))))
    torch.testing.assert_close(block(x), mixed + feed.permute(0, 3, 1, 2), atol=1e-5, rtol=1e-5)


def test_biases_loaded_after_evaluation_mode_was_set_count() -> None:
    """The published code keeps a copy from when the mode was set, and so ignores weights loaded afterwards."""
    attention = randomised(_Attention(12, n_heads=3, window_size=3))
    windows = torch.randn(1, 3, 3, 12)
    before = attention(windows)
    attention.load_state_dict(attention.state_dict() | {"attention_biases": torch.randn(3, 9)})
    assert not torch.allclose(attention(windows), before, atol=1e-3)


def test_one_cell_of_the_embedding_covers_16_pixels() -> None:
    encoder = TinyVitImageEncoder(replace(SMALL, image_size=128)).eval()
    with torch.inference_mode():
        assert encoder(torch.randn(2, 3, 128, 128)).coarse.shape == (2, 32, 8, 8)
    assert encoder.grid_size == 8


def test_sizes_are_read_from_shapes() -> None:
    config = SamConfig(SMALL, decoder_mlp_width=40, iou_head_width=24, mask_width=8)
    assert infer_config(Sam(config).state_dict()) == config


def test_mobile_sam_has_the_names_of_its_published_file() -> None:
    network = Sam(MOBILE)
    assert infer_config(network.state_dict()) == MOBILE
    assert len(network.state_dict()) == 439 - 4  # without the head for classes


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    state = Sam(SamConfig(SMALL)).state_dict()
    state["image_encoder.layers.1.blocks.0.attn.attention_biases"] = torch.zeros(3, 9)
    with pytest.raises(CheckpointError, match=r"3 heads .* width of 16: this is another network"):
        infer_config(state)
