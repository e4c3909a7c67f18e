"""Tools that make a mask of clicks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sam_backend.evaluation.extras import import_extra
from sam_backend.evaluation.view import View

FLOOD_TOLERANCE = 32
"""How far a colour may be from the clicked one, in the channel where it is farthest, of 255: the usual magic wand."""

SEED_RADIUS_PX = 1
"""A click paints a square of three px for the random walker, as a thin brush would."""

_FOREGROUND, _BACKGROUND = 1, 2
_FAR = np.int16(256)


def flood_fill(view: View) -> NDArray[np.bool_]:
    """The magic wand of scikit-image: what is connected to a click and like it in colour.

    Clicks add up. What floods from clicks on and beside the object reach both goes to the click nearer in colour, to
    the object if they are equally near.

    Raises:
        MissingExtraError: scikit-image isn't installed.
    """
    segmentation = import_extra("skimage.segmentation")
    nearest = {meaning: np.full(view.image_hw, _FAR, np.int16) for meaning in (True, False)}
    for row, column, is_foreground in _clicked_pixels(view):
        distance = np.abs(view.image.astype(np.int16) - view.image[row, column]).max(axis=2)
        flood = segmentation.flood(distance, (row, column), tolerance=FLOOD_TOLERANCE)
        nearest[is_foreground] = np.minimum(nearest[is_foreground], np.where(flood, distance, _FAR))
    mask: NDArray[np.bool_] = (nearest[True] < _FAR) & (nearest[True] <= nearest[False])
    return mask


def random_walker(view: View) -> NDArray[np.bool_]:
    """The random walker (Grady 2006) of scikit-image: what is reached from the clicks rather than from the background.

    The background's seeds are the clicks beside the object and the view's border, where the picture goes on there.
    Without either, everything is the object.

    Raises:
        MissingExtraError: scikit-image isn't installed.
    """
    segmentation = import_extra("skimage.segmentation")
    seeds = _seeds(view)
    if len(np.unique(seeds)) == 3:
        # Solved directly: at these sizes as quick as the iterations, and exact.
        seeds = segmentation.random_walker(view.image / 255, seeds, mode="bf", channel_axis=-1)
    elif not (seeds == _BACKGROUND).any():
        return np.ones(view.image_hw, np.bool_)
    mask: NDArray[np.bool_] = seeds == _FOREGROUND
    return mask


def _seeds(view: View) -> NDArray[np.int64]:
    """(h, w): where the walk ends, in the object or beside it; 0 elsewhere. A clicked pixel outdoes all squares."""
    seeds = np.where(view.border, _BACKGROUND, 0)
    for radius_px in (SEED_RADIUS_PX, 0):
        for row, column, is_foreground in _clicked_pixels(view):
            rows, columns = (slice(max(0, at - radius_px), at + radius_px + 1) for at in (row, column))
            seeds[rows, columns] = _FOREGROUND if is_foreground else _BACKGROUND
    return seeds


def _clicked_pixels(view: View) -> list[tuple[int, int, bool]]:
    """Row, column and meaning of each click."""
    highest_xy = np.array(view.image_hw[::-1]) - 1
    columns_rows = np.floor(view.prompts.points_xy).astype(int).clip(0, highest_xy)
    return [
        (int(row), int(column), bool(is_foreground))
        for (column, row), is_foreground in zip(columns_rows, view.prompts.is_foreground, strict=True)
    ]
