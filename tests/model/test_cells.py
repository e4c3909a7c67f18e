import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sam_backend.model.cells import (
    MOST_TOKENS_TO_ABSORB,
    AbsorbingCells,
    Cells,
    ProjectedCells,
    SharedCells,
    share_projections,
    view_cells,
)
from sam_backend.model.downscaled_attention import DownscaledAttention


def attention(width: int, seed: int) -> DownscaledAttention:
    torch.manual_seed(seed)
    made = DownscaledAttention(width, width // 2)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made.double()


def views(image: Tensor, position: Tensor, *attentions: DownscaledAttention) -> list[Cells]:
    placed = image + position
    views: list[Cells] = [ProjectedCells(image, placed), AbsorbingCells(image, placed)]
    if len(image) == 1:
        views.append(SharedCells(image, share_projections(*attentions, image, position)))
    return views


@settings(max_examples=40)
@given(
    n_heads=st.integers(1, 8),
    n_tokens=st.integers(1, 20),
    n_cells=st.integers(1, 30),
    batch=st.integers(1, 3),
    is_one_image=st.booleans(),
)
def test_all_views_of_the_cells_give_the_same(
    n_heads: int, n_tokens: int, n_cells: int, batch: int, is_one_image: bool
) -> None:
    width = 32 * n_heads
    to_image, to_tokens = attention(width, 1), attention(width, 2)
    image = torch.randn(1 if is_one_image else batch, n_cells, width, dtype=torch.float64)
    position = torch.randn(1, n_cells, width, dtype=torch.float64)
    q, k, v = torch.randn(3, batch, n_tokens, width, dtype=torch.float64)
    with torch.no_grad():
        plain, *others = [
            (cells.answer(to_image, q), cells.look_back(to_tokens, k, v))
            for cells in views(image, position, to_image, to_tokens)
        ]
    assert plain[1].shape == (batch, n_cells, width)
    for other in others:
        torch.testing.assert_close(other, plain)  # float64 shows that the formulas are the same


@pytest.mark.parametrize(
    ("n_tokens", "learns", "kind"),
    [
        (MOST_TOKENS_TO_ABSORB, False, AbsorbingCells),
        (MOST_TOKENS_TO_ABSORB + 1, False, ProjectedCells),
        (7, True, ProjectedCells),
    ],
    ids=["few tokens", "many tokens", "while training"],
)
def test_the_view_suits_the_number_of_tokens(n_tokens: int, learns: bool, kind: type) -> None:
    with torch.set_grad_enabled(learns):
        assert isinstance(view_cells(torch.zeros(1, 4, 32), torch.zeros(1, 4, 32), n_tokens), kind)
