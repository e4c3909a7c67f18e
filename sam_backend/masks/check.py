"""What every room of masks asks of its caller: one kind of array, one kind of size."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import MaskError

MAX_PX = 2**30 - 1
"""The most pixels a mask may have: what the 32-bit header of a brush RLE can count, at four values a pixel."""


def check_mask(mask: NDArray[np.bool_]) -> None:
    """Let only a (h, w) array of bool pass.

    Raises:
        MaskError: it is no array, not of bool, not of two axes, without a pixel, or beyond ``MAX_PX``.
    """
    if not isinstance(mask, np.ndarray):
        raise MaskError(f"a mask is a numpy array of bool, got {type(mask).__name__}: give np.asarray(...) > 0")
    if mask.dtype != np.bool_:
        raise MaskError(f"a mask is an array of bool, got {mask.dtype}: compare it first, as in mask > 0")
    if mask.ndim != 2:
        raise MaskError(f"a mask has the shape (h, w), got {mask.shape}: give one mask at a time")
    checked_hw(mask.shape)


def checked_hw(size_hw: Sequence[int]) -> tuple[int, int]:
    """The height and width of a picture as two plain integers.

    Raises:
        MaskError: they aren't two positive integers, or make more than ``MAX_PX`` pixels.
    """
    try:
        h, w = (operator.index(side) for side in size_hw)
    except (TypeError, ValueError):
        raise MaskError(f"a mask's size is two integers (height, width), got {size_hw!r}") from None
    if h < 1 or w < 1:
        raise MaskError(f"a mask needs at least one pixel, got the height {h} and the width {w}")
    if h * w > MAX_PX:
        raise MaskError(f"a mask has at most {MAX_PX} pixels, got {h} x {w}: cut the picture into tiles")
    return h, w
