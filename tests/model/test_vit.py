import pytest
import torch
from torch.nn import functional as F

from sam_backend.model.image_encoder import ImageEncoder
from sam_backend.model.vit import VitConfig, VitImageEncoder, _Attention
from sam_backend.model.windows import from_windows, to_windows


@pytest.mark.parametrize(("grid_size", "window_size"), [(8, 3), (9, 3), (5, 7)])
def test_windows_come_back_as_they_were(grid_size: int, window_size: int) -> None:
    x = torch.randn(2, grid_size, grid_size, 3)
    assert torch.equal(from_windows(to_windows(x, window_size), window_size, batch=2, grid_size=grid_size), x)


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


def test_an_encoder_has_to_say_how_it_encodes() -> None:
    with pytest.raises(NotImplementedError):
        ImageEncoder()(torch.zeros(1, 3, 4, 4))
