import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.model import relative_attention
from sam_backend.model.relative_attention import attend_on_grid
from tests.model.plain_vit import plain_bias


@given(
    side=st.integers(1, 6), n_heads=st.integers(1, 5), batch=st.integers(1, 3), n_bytes=st.integers(1, 20_000)
)  # from a query at a time to everything at once
def test_chunks_of_queries_attend_as_all_at_once(side: int, n_heads: int, batch: int, n_bytes: int) -> None:
    torch.manual_seed(side + 7 * n_heads)
    q, k, v = torch.randn(3, batch, n_heads, side * side, 8)
    tables = torch.randn(2, 2 * side - 1, 8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relative_attention, "CPU_BIAS_BYTES", n_bytes)
        attended = attend_on_grid(q, k, v, *tables, side)
    scores = q @ k.transpose(-1, -2) / 8**0.5 + plain_bias(q, *tables, side)
    torch.testing.assert_close(attended, scores.softmax(dim=-1) @ v)


@pytest.mark.parametrize(
    ("shape", "n_bytes", "chunk"),
    [
        ((1, 12, 4096, 64), 16 << 20, (1, 1024)),
        ((5, 12, 196, 64), 16 << 20, (21, 196)),
        ((2, 12, 4096, 64), 16 << 20, (1, 512)),
        ((1, 3, 64, 8), 1, (1, 1)),
    ],
    ids=["the picture of ViT-B", "a strip of windows", "two pictures", "less than a query"],
)
def test_chunks_keep_to_the_memory_allowed(
    shape: tuple[int, ...], n_bytes: int, chunk: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relative_attention, "CPU_BIAS_BYTES", n_bytes)
    assert relative_attention._chunk(torch.empty(1).expand(shape)) == chunk
