"""A mask as its runs down the columns: what COCO's RLE holds, as positions that can be measured and compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import MaskError
from sam_backend.masks.check import checked_hw
from sam_backend.masks.coco_counts import pack_counts
from sam_backend.masks.rle_coco import CocoRle


@dataclass(frozen=True, slots=True, eq=False)
class ColumnRuns:
    """The object's pixels of a picture, counted down the columns: pixel (x, y) has the position ``x * height + y``."""

    image_hw: tuple[int, int]
    """Height and width of the picture, in image px."""

    edges: NDArray[np.int64]
    """(2 n,), rising: where each run starts, and the position after its last pixel. A run may pass a column's end."""

    def __post_init__(self) -> None:
        """Check the edges.

        Raises:
            MaskError: the size makes no sense, or the edges aren't pairs that rise within the picture.
        """
        h, w = checked_hw(self.image_hw)
        if self.edges.ndim != 1 or self.edges.size % 2:
            raise MaskError(f"runs need a start and a stop each, got edges of the shape {self.edges.shape}")
        if self.edges.size and (self.edges[0] < 0 or self.edges[-1] > h * w or (np.diff(self.edges) <= 0).any()):
            raise MaskError(f"the edges of runs rise from 0 to {h * w} at the most, got {self.edges}")

    @classmethod
    def of_window(
        cls, window: NDArray[np.bool_], left_top_xy: tuple[int, int], image_hw: tuple[int, int]
    ) -> ColumnRuns:
        """Take a mask (h, w) that lies in the picture with its corner at ``left_top_xy``; all around it is empty."""
        h, w = window.shape
        columns = np.zeros((w, h + 2), np.bool_)
        columns[:, 1:-1] = window.T
        x, y = np.nonzero(columns[:, 1:] != columns[:, :-1])
        left, top = left_top_xy
        return cls(image_hw, without_pairs((x + left) * image_hw[0] + y + top))

    @property
    def area_px(self) -> int:
        """Number of pixels."""
        return int((self.edges[1::2] - self.edges[::2]).sum())

    def box_inclusive_xyxy(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom pixel of the object, as the official code counts; all 0 where there is none."""
        if self.edges.size == 0:
            return 0, 0, 0, 0
        (x0, y0), (x1, y1) = self._columns_rows(self.edges[::2]), self._columns_rows(self.edges[1::2] - 1)
        left, right = int(x0[0]), int(x1[-1])
        if (x0 != x1).any():  # a run over a column's end touches the bottom and the top
            return left, 0, right, self.image_hw[0] - 1
        return left, int(y0.min()), right, int(y1.max())

    def counts(self) -> NDArray[np.int64]:
        """(n,) run lengths in turn, background first: an uncompressed COCO RLE."""
        n_pixels = self.image_hw[0] * self.image_hw[1]
        is_full_to_the_end = self.edges.size > 0 and self.edges[-1] == n_pixels
        ends = self.edges if is_full_to_the_end else np.append(self.edges, n_pixels)
        return np.diff(ends, prepend=0)

    def to_coco_rle(self) -> CocoRle:
        """Write them as pycocotools would."""
        return CocoRle(size=list(self.image_hw), counts=pack_counts(self.counts()))

    def to_window(self, box_xyxy: tuple[int, int, int, int]) -> NDArray[np.bool_]:
        """The pixels (h, w) of a box with half-open corners inside the picture."""
        left, top, right, bottom = box_xyxy
        height = self.image_hw[0]
        edges = self.edges.clip(left * height, right * height)
        lengths = np.diff(edges, prepend=left * height, append=right * height)
        columns = np.repeat(np.arange(lengths.size) % 2 == 1, lengths).reshape(right - left, height)
        return np.ascontiguousarray(columns[:, top:bottom].T)

    def to_mask(self) -> NDArray[np.bool_]:
        """All pixels (h, w) of the picture."""
        h, w = self.image_hw
        return self.to_window((0, 0, w, h))

    def intersection_px(self, other: ColumnRuns) -> int:
        """Number of pixels that both have; nothing is decoded. Both are of the same picture."""
        if self.edges.size == 0 or other.edges.size == 0:
            return 0
        lengths = self.edges[1::2] - self.edges[::2]
        n_before = np.repeat(np.cumsum(lengths), 2)
        n_before[::2] -= lengths  # pixels of self before each of its edges; between two edges it grows evenly
        at_others_edges = np.interp(other.edges, self.edges, n_before)
        return round(float((at_others_edges[1::2] - at_others_edges[::2]).sum()))

    def _columns_rows(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        x, y = np.divmod(positions, self.image_hw[0])
        return x, y


def without_pairs(positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Drop what appears twice in rising ``positions``: where a run ends and the next starts at once, nothing turns."""
    is_pair = np.zeros(positions.size + 1, np.bool_)
    is_pair[1:-1] = positions[1:] == positions[:-1]
    return positions[~(is_pair[1:] | is_pair[:-1])]
