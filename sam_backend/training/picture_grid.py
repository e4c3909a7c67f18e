"""A contact sheet of objects: what is true, what was answered, and how well it fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_erosion

from sam_backend.errors import ImageError
from sam_backend.training.mask_iou import mask_iou
from sam_backend.training.sample import mask_box_xyxy
from sam_backend.types import Prompts

TRUTH_RGB, ANSWER_RGB = (0, 114, 178), (230, 159, 0)
"""Blue and orange, which the colour-blind tell apart too (Okabe and Ito)."""

ANSWER_OPACITY = 0.35
CAPTION_PX, GAP_PX = 18, 4
MARGIN_SHARE = 0.3
"""How much of the surroundings a cell shows on each side, as a share of the object's longer side."""


@dataclass(frozen=True, slots=True, eq=False)
class GridCell:
    """One object of one picture, in image px."""

    image: NDArray[np.uint8]
    """(h, w, 3) RGB."""

    truth: NDArray[np.bool_]
    """(h, w), not empty."""

    answer: NDArray[np.bool_]
    """(h, w)."""

    caption: str = ""
    """Stands before the IoU."""

    prompts: Prompts | None = None
    """Drawn where given: clicks on the object white, beside it black; a box as a line."""


def grid_cells(
    image: NDArray[np.uint8], truths: Sequence[NDArray[np.bool_]], answers: Sequence[NDArray[np.bool_]]
) -> list[GridCell]:
    """Cells of some objects of one picture; masks (h, w) each."""
    return [GridCell(image, truth, answer) for truth, answer in zip(truths, answers, strict=True)]


def draw_grid(cells: Sequence[GridCell], n_columns: int = 6, cell_px: int = 192) -> Image.Image:
    """Draw a contact sheet, row by row: the true outline blue, the answer orange, under each cell caption and IoU.

    Args:
        cells: at least one.
        n_columns: cells in a row; fewer where there are fewer cells.
        cell_px: side of the square that a cell's surroundings are scaled to.

    Raises:
        ImageError: there is no cell.
    """
    if not cells:
        raise ImageError("a contact sheet needs at least one object, got none")
    n_columns = min(n_columns, len(cells))
    n_rows = math.ceil(len(cells) / n_columns)
    pitch_x, pitch_y = cell_px + GAP_PX, cell_px + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (GAP_PX + n_columns * pitch_x, GAP_PX + n_rows * pitch_y), "white")
    for index, cell in enumerate(cells):
        row, column = divmod(index, n_columns)
        sheet.paste(_draw_cell(cell, cell_px), (GAP_PX + column * pitch_x, GAP_PX + row * pitch_y))
    return sheet


def _draw_cell(cell: GridCell, cell_px: int) -> Image.Image:
    square = _surroundings(cell)
    scale = cell_px / (square[2] - square[0])
    truth, answer = (_cut_mask(mask, square, cell_px) for mask in (cell.truth, cell.answer))
    rgb = np.asarray(_cut(Image.fromarray(cell.image), square, cell_px, Image.Resampling.BILINEAR)).astype(np.float32)
    rgb[answer] += ANSWER_OPACITY * (np.array(ANSWER_RGB, np.float32) - rgb[answer])
    rgb[_outline(answer)] = ANSWER_RGB
    rgb[_outline(truth)] = TRUTH_RGB
    picture = Image.new("RGB", (cell_px, cell_px + CAPTION_PX), "white")
    picture.paste(Image.fromarray(rgb.astype(np.uint8)))
    draw = ImageDraw.Draw(picture)
    if cell.prompts is not None:
        _draw_prompts(draw, cell.prompts, np.array(square[:2], np.float32), scale)
    text = f"{cell.caption} {mask_iou(cell.answer, cell.truth):.2f}".strip()
    draw.text((2, cell_px + 2), text, "black", ImageFont.load_default(CAPTION_PX - 6))
    return picture


def _surroundings(cell: GridCell) -> tuple[float, float, float, float]:
    """The square (x0, y0, x1, y1) in image px that shows the object; it may go beyond the picture."""
    x0, y0, x1, y1 = mask_box_xyxy(cell.truth).tolist()
    half_side = max(x1 - x0, y1 - y0) * (0.5 + MARGIN_SHARE) + 1
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return x - half_side, y - half_side, x + half_side, y + half_side


def _cut(
    image: Image.Image, square: tuple[float, float, float, float], cell_px: int, resampling: Image.Resampling
) -> Image.Image:
    """Cut a square out and scale it; beyond the picture it is black."""
    whole_px = [math.floor(value) for value in square[:2]] + [math.ceil(value) for value in square[2:]]
    cut = image.crop((whole_px[0], whole_px[1], whole_px[2], whole_px[3]))
    left, top = square[0] - whole_px[0], square[1] - whole_px[1]
    side = square[2] - square[0]
    return cut.resize((cell_px, cell_px), resampling, box=(left, top, left + side, top + side))


def _cut_mask(mask: NDArray[np.bool_], square: tuple[float, float, float, float], cell_px: int) -> NDArray[np.bool_]:
    return (
        np.asarray(_cut(Image.fromarray(mask.view(np.uint8) * 255), square, cell_px, Image.Resampling.BILINEAR)) > 127
    )


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a mask that touch its outside, two px wide."""
    outline: NDArray[np.bool_] = mask & ~binary_erosion(mask, iterations=2)
    return outline


def _draw_prompts(draw: ImageDraw.ImageDraw, prompts: Prompts, corner_xy: NDArray[np.float32], scale: float) -> None:
    if prompts.box_xyxy is not None:
        x0, y0, x1, y1 = ((prompts.box_xyxy - np.tile(corner_xy, 2)) * scale).tolist()
        draw.rectangle((x0, y0, x1, y1), outline="white")
    for (x, y), is_foreground in zip((prompts.points_xy - corner_xy) * scale, prompts.is_foreground, strict=True):
        fill, outline = ("white", "black") if is_foreground else ("black", "white")
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=fill, outline=outline)
