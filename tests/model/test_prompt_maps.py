import pytest
import torch

from sam_backend.model.image_encoder import GridWindow
from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.prompt_maps import CLICK_REACH_CELLS, draw_prompts

SIZE, CELL_PX = 32, 4.0
WHOLE = GridWindow(left=0, top=0, width=SIZE // 4, height=SIZE // 4)
MASK, ON, BESIDE, BOX = range(4)


def prompts(points: list[tuple[float, float, bool]], **others: torch.Tensor) -> PromptTensors:
    points_xy = torch.tensor([point[:2] for point in points]).view(1, -1, 2)
    return PromptTensors(points_xy, torch.tensor([[point[2] for point in points]], dtype=torch.bool), **others)


def test_clicks_are_drawn_where_they_are_by_their_kind() -> None:
    maps = draw_prompts(prompts([(42.0, 90.0, True), (118.0, 6.0, False)]), WHOLE, CELL_PX)
    assert maps.shape == (1, 4, SIZE, SIZE)
    assert divmod(int(maps[0, ON].argmax()), SIZE) == (22, 10)
    assert divmod(int(maps[0, BESIDE].argmax()), SIZE) == (1, 29)
    assert maps[0, ON].max() == 1
    assert maps[0, ON, 22, 10 + round(CLICK_REACH_CELLS)].item() == pytest.approx(0.368, abs=0.01)
    assert maps[0, [MASK, BOX]].abs().max() == 0


def test_the_box_is_positive_in_its_ellipse_alone() -> None:
    box = torch.tensor([[20.0, 40.0, 100.0, 80.0]])
    drawn = draw_prompts(prompts([], box_xyxy=box), WHOLE, CELL_PX)[0, BOX]
    rows, columns = torch.nonzero(drawn > 0, as_tuple=True)
    assert (columns.min().item() * 4, (columns.max().item() + 1) * 4) == (20, 100)
    assert (rows.min().item() * 4, (rows.max().item() + 1) * 4) == (40, 80)
    assert (drawn > 0).sum().item() * 16 == pytest.approx(3.1416 * 40 * 20, rel=0.05)
    assert drawn.max() <= 1
    assert drawn.min() == -1


def test_the_mask_prompt_is_squashed() -> None:
    logits = torch.linspace(-40, 40, SIZE * SIZE).view(1, 1, SIZE, SIZE)
    drawn = draw_prompts(prompts([], mask_logits=logits), WHOLE, CELL_PX)[0, MASK]
    assert drawn.abs().max() <= 1
    assert torch.equal(drawn > 0, logits[0, 0] > 0)


def test_one_mask_serves_a_whole_batch() -> None:
    batch = PromptTensors(
        torch.zeros(3, 1, 2), torch.ones(3, 1, dtype=torch.bool), mask_logits=torch.ones(1, 1, SIZE, SIZE)
    )
    assert draw_prompts(batch, WHOLE, CELL_PX)[:, MASK].min() > 0


def test_a_window_shows_its_part_of_the_whole_drawing() -> None:
    both = prompts([(42.0, 90.0, True), (118.0, 6.0, False)], box_xyxy=torch.tensor([[20.0, 40.0, 100.0, 80.0]]))
    part = draw_prompts(both, GridWindow(left=2, top=5, width=3, height=2), CELL_PX)
    torch.testing.assert_close(part, draw_prompts(both, WHOLE, CELL_PX)[:, :, 20:28, 8:20])
