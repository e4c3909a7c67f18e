"""An annotator without chance: clicks in the middle of the object, then in the middle of what is wrong.

This is the annotator of the zero-shot experiments (paper, section 7.1 and appendix D.1); the one that draws random
points for training lives in ``clicks.py``. Whatever answers its clicks, a network or a tool, meets the same hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from sam_backend.errors import MaskError
from sam_backend.training.sample import mask_box_xyxy

Click = tuple[float, float, bool]
"""x and y in image px, and whether it says "this is the object" (True) or "not this" (False)."""

AnswerClicks = Callable[[Mapping[int, Sequence[Click]]], Mapping[int, NDArray[np.bool_]]]
"""From all clicks of some objects so far, by the objects' indices, to those objects' masks (h, w)."""


def innermost_pixel_xy(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """The centre of the pixel farthest from a mask's outside, in image px; the picture's edge counts as outside.

    Raises:
        MaskError: the mask (h, w) is empty.
    """
    if not mask.any():
        raise MaskError("an empty mask has no innermost pixel: leave objects without pixels out")
    _, row, column = _innermost(mask)
    return column + 0.5, row + 0.5


def first_click(truth: NDArray[np.bool_]) -> Click:
    """On the innermost pixel of the object (h, w). Raises: see `innermost_pixel_xy`."""
    return *innermost_pixel_xy(truth), True


def correcting_click(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Click | None:
    """On the innermost pixel of what is wrong: a missed part gets "this", a part too much gets "not this".

    The deeper of the two regions is corrected, the missed one if they are equally deep.

    Args:
        mask: (h, w), the answer so far.
        truth: (h, w).

    Returns:
        None where nothing is wrong.
    """
    regions = ((truth & ~mask, True), (mask & ~truth, False))
    found = [(*_innermost(region), is_missed) for region, is_missed in regions if region.any()]
    if not found:
        return None
    _, row, column, is_missed = max(found, key=lambda one: one[0])
    return column + 0.5, row + 0.5, is_missed


def simulate_clicks(
    truths: Sequence[NDArray[np.bool_]], answer: AnswerClicks, n_clicks: int
) -> Iterator[list[NDArray[np.bool_]]]:
    """Click on objects, one click each per round, until they are right.

    Args:
        truths: each (h, w), none of them empty.
        answer: is asked once a round about the objects that aren't right yet.
        n_clicks: rounds at most.

    Yields:
        After each round every object's mask (h, w); one that was right stays as it was.

    Raises:
        MaskError: a truth is empty.
    """
    clicks = {index: [first_click(truth)] for index, truth in enumerate(truths)}
    masks: dict[int, NDArray[np.bool_]] = {}
    for n_before in range(n_clicks):
        if n_before:
            clicks = _with_corrections(clicks, masks, truths)
        if clicks:
            masks.update(answer(clicks))
        yield [masks[index] for index in range(len(truths))]


def _with_corrections(
    clicks: Mapping[int, list[Click]], masks: Mapping[int, NDArray[np.bool_]], truths: Sequence[NDArray[np.bool_]]
) -> dict[int, list[Click]]:
    corrections = {index: correcting_click(masks[index], truths[index]) for index in clicks}
    return {index: [*clicks[index], click] for index, click in corrections.items() if click is not None}


def _innermost(region: NDArray[np.bool_]) -> tuple[float, int, int]:
    """Depth in px, row and column of the deepest pixel of a region that isn't empty; only its box is looked at."""
    x0, y0, x1, y1 = mask_box_xyxy(region).astype(int).tolist()
    padded = np.pad(region[y0:y1, x0:x1], 1)
    depth_px = np.asarray(distance_transform_edt(padded))
    row, column = np.unravel_index(int(np.argmax(depth_px)), padded.shape)
    return float(depth_px[row, column]), int(row) - 1 + y0, int(column) - 1 + x0
