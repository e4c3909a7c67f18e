import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from sam_backend.model.image_encoder import ImageEncoder
from sam_backend.model.vit import VitConfig, VitImageEncoder, _Attention
from sam_backend.model.windows import from_windows, to_windows
from tests.model.plain_vit import plain_encode


@pytest.mark.parametrize(("grid_size", "window_size"), [(8, 3), (9, 3), (5, 7)])
def test_windows_come_back_as_they_were(grid_size: int, window_size: int) -> None:
    x = torch.randn(2, grid_size, grid_size, 3)
    assert torch.equal(from_windows(to_windows(x, window_size), grid_hw=(grid_size, grid_size)), x)


def test_attention_equals_the_formula_written_out() -> None:
    torch.manual_seed(0)
    side, n_heads, width = 3, 2, 8
    attention = _Attention(width, n_heads, side)
    torch.nn.init.normal_(attention.rel_pos_h)
    torch.nn.init.normal_(attention.rel_pos_w)
    x = torch.randn(1, side, side, width)
    q, k, v = attention.qkv(x).view(side * side, 3, n_heads, -1).unbind(1)
    expected = torch.zeros(side * side, n_heads, width // n_heads)
    for head in range(n_heads):
        for query in range(side * side):
            scores = [
                q[query, head] @ k[key, head] / (width // n_heads) ** 0.5
                + q[query, head] @ attention.rel_pos_h[query // side - key // side + side - 1]
                + q[query, head] @ attention.rel_pos_w[query % side - key % side + side - 1]
                for key in range(side * side)
            ]
            expected[query, head] = F.softmax(torch.stack(scores), dim=0) @ v[:, head]
    torch.testing.assert_close(attention(x), attention.proj(expected.view(1, side, side, width)))


def test_a_batch_equals_its_members() -> None:
    torch.manual_seed(0)
    encoder = VitImageEncoder(
        VitConfig(
            width=16, depth=2, n_heads=2, global_blocks=(1,), grid_size=4, patch_size_px=4, window_size=3, out_width=8
        )
    )
    pixels = torch.randn(2, 3, 16, 16)
    together = encoder(pixels).coarse
    torch.testing.assert_close(together, torch.cat([encoder(one[None]).coarse for one in pixels]))


@settings(max_examples=25)
@given(
    grid_size=st.integers(1, 9),
    window_size=st.integers(1, 9),
    n_heads=st.integers(1, 4),
    global_blocks=st.sampled_from([(), (0,), (1,), (0, 1)]),
    batch=st.integers(1, 2),
)
def test_strips_and_windows_encode_as_the_plain_formula(
    grid_size: int, window_size: int, n_heads: int, global_blocks: tuple[int, ...], batch: int
) -> None:
    torch.manual_seed(grid_size * window_size)
    sizes = {"grid_size": grid_size, "window_size": window_size, "patch_size_px": 4, "out_width": 8}
    encoder = VitImageEncoder(
        VitConfig(width=8 * n_heads, depth=2, n_heads=n_heads, global_blocks=global_blocks, **sizes)
    )
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    pixels = torch.randn(batch, 3, 4 * grid_size, 4 * grid_size)
    with torch.no_grad():
        plain = plain_encode(encoder, pixels)
        torch.testing.assert_close(encoder(pixels).coarse, plain, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(encoder(pixels).coarse, plain, atol=1e-5, rtol=1e-5)  # training takes no strips


def test_training_learns_as_the_plain_formula() -> None:
    torch.manual_seed(0)
    encoder = VitImageEncoder(
        VitConfig(
            width=16, depth=2, n_heads=2, global_blocks=(1,), grid_size=5, patch_size_px=4, window_size=3, out_width=8
        )
    )
    pixels = torch.randn(2, 3, 20, 20)
    ours, plain = (
        torch.autograd.grad(answer.sin().sum(), list(encoder.parameters()))
        for answer in (encoder(pixels).coarse, plain_encode(encoder, pixels))
    )
    torch.testing.assert_close(ours, plain, atol=1e-5, rtol=1e-4)


MEASURE_GROWTH_MB = """
import resource, torch
from sam_backend.model.vit import VitConfig, VitImageEncoder
torch.set_num_threads(1)
encoder = VitImageEncoder(VitConfig(width=96, depth=1, n_heads=12, global_blocks=(0,)))
pixels = torch.zeros(1, 3, 1024, 1024)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with torch.inference_mode():
    encoder(pixels)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_picture_never_holds_the_bias_of_all_pairs_of_tokens() -> None:
    run = subprocess.run([sys.executable, "-c", MEASURE_GROWTH_MB], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 400  # the bias alone would take 805; about 100 are used


def test_an_encoder_has_to_say_how_it_encodes() -> None:
    with pytest.raises(NotImplementedError):
        ImageEncoder()(torch.zeros(1, 3, 4, 4))
