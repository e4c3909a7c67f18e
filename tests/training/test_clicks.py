import torch
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.training.clicks import BOX_NOISE_LIMIT_PX, correcting_points, noisy_boxes, random_points

seeds = st.integers(0, 10_000)


def random_masks(seed: int, share: float = 0.3) -> torch.Tensor:
    masks = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(seed)) < share
    masks[:, 5, 7] = True
    return masks


def cell_of(points_xy: torch.Tensor, cell_px: int) -> tuple[torch.Tensor, torch.Tensor]:
    column, row = (points_xy[:, 0] / cell_px).long().unbind(1)
    return row, column


@given(seed=seeds, cell_px=st.sampled_from([1, 2, 4]))
def test_first_points_lie_in_the_mask(seed: int, cell_px: int) -> None:
    masks = random_masks(seed)
    row, column = cell_of(random_points(masks, cell_px, torch.Generator().manual_seed(seed)), cell_px)
    assert masks[torch.arange(3), row, column].all()


@given(seed=seeds)
def test_corrections_lie_where_the_answer_is_wrong(seed: int) -> None:
    target, answer = random_masks(seed), random_masks(seed + 1)
    generator = torch.Generator().manual_seed(seed)
    points_xy, is_foreground = correcting_points(answer.float() - 0.5, target.float(), 2, generator)
    row, column = cell_of(points_xy, 2)
    where = (torch.arange(3), row, column)
    assert (is_foreground[:, 0] == target[where]).all()
    has_error = (target != answer).any(dim=(1, 2))
    assert (target[where] != answer[where])[has_error].all()


def test_a_perfect_answer_is_confirmed_by_a_click_on_the_object() -> None:
    target = random_masks(0)
    points_xy, is_foreground = correcting_points(target.float() - 0.5, target.float(), 1, torch.Generator())
    row, column = cell_of(points_xy, 1)
    assert is_foreground.all()
    assert target[torch.arange(3), row, column].all()


def test_points_are_uniform_over_the_region() -> None:
    region = torch.zeros(4000, 4, 4, dtype=torch.bool)
    region[:, 1, 1:3] = True
    points_xy = random_points(region, 1, torch.Generator().manual_seed(0))
    assert 0.45 < (points_xy[:, 0, 0] < 2).float().mean() < 0.55


@given(seed=seeds, left=st.floats(0, 400), top=st.floats(0, 400), width=st.floats(0.5, 100), height=st.floats(0.5, 100))
def test_noisy_boxes_stay_near_and_keep_an_area(
    seed: int, left: float, top: float, width: float, height: float
) -> None:
    box = torch.tensor([[left, top, left + width, top + height]])
    noisy = noisy_boxes(box, 512, torch.Generator().manual_seed(seed))
    assert (noisy[:, 2:] > noisy[:, :2]).all()
    assert (noisy - box).abs().max() <= BOX_NOISE_LIMIT_PX + 1e-3
    assert noisy.min() >= 0
    assert noisy.max() <= 512


def test_the_noise_of_a_box_is_a_tenth_of_its_side() -> None:
    box = torch.tensor([[100.0, 100.0, 150.0, 120.0]]).expand(5000, 4)
    spread = (noisy_boxes(box, 4096, torch.Generator().manual_seed(0)) - box).std(dim=0)
    torch.testing.assert_close(spread, torch.tensor([5.0, 2.0, 5.0, 2.0]), rtol=0.05, atol=0)
