import numpy as np
import pytest

from sam_backend.errors import ImageError
from sam_backend.training.picture_grid import ANSWER_RGB, TRUTH_RGB, GridCell, draw_grid, grid_cells
from sam_backend.types import Prompts

CELL, CAPTION, GAP = 64, 18, 4


def rectangle(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((40, 60), np.bool_)
    mask[y0:y1, x0:x1] = True
    return mask


BLACK = np.zeros((40, 60, 3), np.uint8)
TRUTH = rectangle(20, 10, 40, 30)


@pytest.mark.parametrize(("n", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (7, 3, 3)])
def test_cells_stand_row_by_row(n: int, columns: int, rows: int) -> None:
    sheet = draw_grid(grid_cells(BLACK, [TRUTH] * n, [TRUTH] * n), n_columns=3, cell_px=CELL)
    assert sheet.size == (GAP + columns * (CELL + GAP), GAP + rows * (CELL + CAPTION + GAP))


def test_no_cell_is_no_sheet() -> None:
    with pytest.raises(ImageError, match="at least one object"):
        draw_grid([])


def cell_pixels(cell: GridCell) -> np.ndarray:
    return np.asarray(draw_grid([cell], cell_px=CELL))[GAP : GAP + CELL, GAP : GAP + CELL]


def test_truth_is_an_outline_and_the_answer_is_filled() -> None:
    pixels = cell_pixels(GridCell(BLACK, TRUTH, rectangle(24, 14, 36, 26)))
    scale = CELL / (2 * (20 * 0.8 + 1))  # the object's side and its margin
    x_truth, x_answer = (round(CELL / 2 - half * scale) for half in (10, 6))
    assert tuple(pixels[CELL // 2, x_truth + 1]) == TRUTH_RGB
    assert tuple(pixels[CELL // 2, x_answer + 1]) == ANSWER_RGB
    tint = pixels[CELL // 2, CELL // 2]
    assert np.abs(tint - 0.35 * np.array(ANSWER_RGB)).max() < 1
    assert tuple(pixels[2, 2]) == (0, 0, 0)


def test_what_lies_beyond_the_picture_is_black() -> None:
    corner = rectangle(0, 0, 10, 10)
    pixels = cell_pixels(GridCell(np.full((40, 60, 3), 255, np.uint8), corner, ~corner & corner))
    assert tuple(pixels[1, 1]) == (0, 0, 0)
    assert tuple(pixels[-2, -2]) == (255, 255, 255)


def test_clicks_and_box_are_drawn_where_they_were_given() -> None:
    nothing = np.zeros_like(TRUTH)
    prompts = Prompts.of(points=[(30, 20, True), (18, 20, False)], box_xyxy=[20, 10, 40, 30])
    grey = np.full((40, 60, 3), 90, np.uint8)
    with_prompts = cell_pixels(GridCell(grey, TRUTH, nothing, prompts=prompts))
    scale = CELL / 34
    assert tuple(with_prompts[CELL // 2, CELL // 2]) == (255, 255, 255)
    assert tuple(with_prompts[CELL // 2, round(CELL / 2 - 12 * scale)]) == (0, 0, 0)
    assert tuple(with_prompts[round(CELL / 2 - 10 * scale), CELL // 2]) == (255, 255, 255)


def test_the_caption_shows_the_iou() -> None:
    def caption(answer: np.ndarray, text: str = "") -> np.ndarray:
        return np.asarray(draw_grid([GridCell(BLACK, TRUTH, answer, text)], cell_px=CELL))[GAP + CELL :]

    assert (caption(TRUTH) < 128).any()
    assert (caption(TRUTH) != caption(rectangle(20, 10, 40, 20))).any()
    assert (caption(TRUTH) != caption(TRUTH, "box")).any()


def test_clicks_alone_draw_no_box() -> None:
    click = Prompts.of(points=[(22, 12, True)])
    plain, clicked = (cell_pixels(GridCell(BLACK, TRUTH, TRUTH, prompts=prompts)) for prompts in (None, click))
    changed = np.argwhere((plain != clicked).any(axis=2))
    assert len(changed) > 0
    assert np.ptp(changed, axis=0).max() <= 9
