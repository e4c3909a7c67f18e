"""A sample as tensors: what one step learns from one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sam_backend.training.sample import Sample, mask_box_xyxy

TARGET_CELL_PX = 4
"""The loss is taken on the cells of the logits. A cell's target is the share that the object covers, so borders are
learnt between cells all the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A window of the network's square; coordinates count from the window's own corner, in model px."""

    rgb: Tensor
    """(1, 3, h, w), 0..255."""

    target: Tensor
    """(n, window / cell, window / cell): the share of each cell that an object covers."""

    box_xyxy: Tensor
    """(n, 4)."""

    origin_xy: tuple[int, int] = (0, 0)
    """Where the window is said to lie in the square, in cells of the embedding."""

    def to(self, device: torch.device) -> Lesson:
        """The same lesson on a device."""
        tensors = (self.rgb.to(device), self.target.to(device), self.box_xyxy.to(device))
        return Lesson(*tensors, origin_xy=self.origin_xy)

    @property
    def window_px(self) -> int:
        """Side of the window."""
        return int(self.target.shape[-1]) * TARGET_CELL_PX


def make_lesson(sample: Sample, window_px: int, origin_xy: tuple[int, int] = (0, 0)) -> Lesson:
    """Make tensors of a sample; objects too small to fill half a cell are left out.

    Args:
        sample: no side over ``window_px``.
        window_px: side of the square that the network will see; what the sample leaves of it is filled with zeros.
        origin_xy: see `Lesson`.
    """
    n, height, width = sample.masks.shape
    square = np.zeros((n, window_px, window_px), np.float32)
    square[:, :height, :width] = sample.masks
    cells = window_px // TARGET_CELL_PX
    target = square.reshape(n, cells, TARGET_CELL_PX, cells, TARGET_CELL_PX).mean(axis=(2, 4))
    boxes = np.stack([mask_box_xyxy(mask) for mask in sample.masks])
    visible = (target > 0.5).any(axis=(1, 2))
    return Lesson(
        rgb=torch.tensor(np.ascontiguousarray(sample.image)).permute(2, 0, 1)[None].float(),
        target=torch.from_numpy(target[visible]),
        box_xyxy=torch.from_numpy(boxes[visible]),
        origin_xy=origin_xy,
    )
