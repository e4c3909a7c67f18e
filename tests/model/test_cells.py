import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sam_backend.model import streamed_cells
from sam_backend.model.cells import Cells, Message, ProjectedCells, Question
from sam_backend.model.downscaled_attention import DownscaledAttention
from sam_backend.model.streamed_cells import (
    MOST_TOKENS_TO_ABSORB,
    AbsorbingCells,
    SharedCells,
    in_strips,
    share_projections,
    view_cells,
)


def attention(width: int, seed: int) -> DownscaledAttention:
    torch.manual_seed(seed)
    made = DownscaledAttention(width, width // 2)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made.double()


def views(image: Tensor, position: Tensor, batch: int, *attentions: DownscaledAttention) -> list[Cells]:
    in_parts = in_strips(image, batch), in_strips(position, batch)
    views: list[Cells] = [ProjectedCells(image, position), AbsorbingCells(*in_parts)]
    if len(image) == 1:
        views.append(SharedCells(*in_parts, share_projections(*attentions, image, position)))
    return views


@settings(max_examples=40)
@given(
    n_heads=st.integers(1, 8),
    n_tokens=st.integers(1, 20),
    n_cells=st.integers(1, 30),
    batch=st.integers(1, 3),
    is_one_image=st.booleans(),
    cells_at_once=st.integers(1, 40),
)
def test_all_views_of_the_cells_give_the_same(
    n_heads: int, n_tokens: int, n_cells: int, batch: int, is_one_image: bool, cells_at_once: int
) -> None:
    width = 32 * n_heads
    to_image, to_tokens = attention(width, 1), attention(width, 2)
    norm = torch.nn.LayerNorm(width).double()
    image = 3 * torch.randn(1 if is_one_image else batch, n_cells, width, dtype=torch.float64)
    position = torch.randn(1, n_cells, width, dtype=torch.float64)
    q, k, v = torch.randn(3, batch, n_tokens, width, dtype=torch.float64)
    question, message = Question(to_image, q), Message(to_tokens, norm, k, v)

    def play(cells: Cells) -> tuple[Tensor, Tensor, Tensor]:
        after, look = cells.turn(message, question)
        return cells.answer(question), torch.cat(after.strips, dim=1), look

    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamed_cells, "CELLS_AT_ONCE", cells_at_once)
        plain, *others = [play(cells) for cells in views(image, position, batch, to_image, to_tokens)]
    assert plain[1].shape == (batch, n_cells, width)
    for other in others:
        torch.testing.assert_close(other, plain)  # float64 shows that the formulas are the same


def test_scores_too_high_for_an_exponential_give_the_same() -> None:
    to_image = attention(64, 1)
    image, position = 1000 * torch.randn(1, 30, 64, dtype=torch.float64), torch.randn(1, 30, 64, dtype=torch.float64)
    question = Question(to_image, 100 * torch.randn(1, 5, 64, dtype=torch.float64))
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamed_cells, "CELLS_AT_ONCE", 2)
        answer = AbsorbingCells(in_strips(image, 1), in_strips(position, 1)).answer(question)
        torch.testing.assert_close(answer, ProjectedCells(image, position).answer(question))


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
        assert isinstance(view_cells(torch.zeros(1, 4, 32), torch.zeros(1, 4, 32), 1, n_tokens), kind)
